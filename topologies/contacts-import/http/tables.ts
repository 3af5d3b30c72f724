import type { KafkaStreams, ReadOnlyKeyValueStore } from 'millrace'
import { numberedKey } from '../keys.ts'
import type { Contact, ImportSummary, RowFailure } from '../records.ts'
import { COPIES } from '../topics.ts'
import type { Acceptances } from './acceptances.ts'
import { pageOf, type Page } from '../../web/page-of.ts'
import { RequestError } from '../../web/request-error.ts'

/** An import as its readers see it. Its channel is not shown: whoever knows it may listen. */
export type ShownImport = { readonly importId: string } & Omit<ImportSummary, 'channel'>

const ROW_MAX = 9_999_999

/** Reads from this process's copies of the tables. */
export class Tables {
  readonly #contacts: ReadOnlyKeyValueStore<string, Contact>
  readonly #imports: ReadOnlyKeyValueStore<string, ImportSummary>
  readonly #failures: ReadOnlyKeyValueStore<string, RowFailure>
  readonly #acceptances: Acceptances

  constructor(streams: KafkaStreams, acceptances: Acceptances) {
    this.#contacts = streams.store(COPIES.contacts)
    this.#imports = streams.store(COPIES.imports)
    this.#failures = streams.store(COPIES.failures)
    this.#acceptances = acceptances
  }

  /** Throws 404 `UNKNOWN_IMPORT`. */
  importOf(importId: string): ShownImport | { readonly importId: string; readonly state: 'running' } {
    const summary = this.#imports.get(importId)
    if (summary) {
      this.#acceptances.delete(importId)
      const { channel: _, ...shown } = summary
      return { importId, ...shown }
    }
    const total = this.#acceptances.totalOf(importId)
    if (total !== undefined) return { importId, state: 'running', total, succeeded: 0, failed: 0 } as const
    throw new RequestError(404, 'UNKNOWN_IMPORT', `there is no import "${importId.slice(0, 100)}"`)
  }

  /** Failed rows behind row `after`, in order. */
  async failures(importId: string, after: number, limit: number): Promise<Page<RowFailure>> {
    this.importOf(importId)
    const from = numberedKey(importId, after + 1)
    return pageOf(this.#failures.range(from, numberedKey(importId, ROW_MAX)), limit, () => true)
  }

  /** Throws 404 `UNKNOWN_CONTACT`. */
  contactOf(email: string): Contact {
    const contact = this.#contacts.get(email)
    if (contact) return contact
    throw new RequestError(404, 'UNKNOWN_CONTACT', `there is no contact "${email.slice(0, 100)}"`)
  }

  /** Contacts whose address starts with `prefix` and lies behind `after`, by address. */
  async contacts(prefix: string, after: string, limit: number): Promise<Page<Contact>> {
    const from = after >= prefix && after !== '' ? `${after}\0` : prefix
    return pageOf(this.#contacts.range(from, undefined), limit, email => email.startsWith(prefix))
  }
}
