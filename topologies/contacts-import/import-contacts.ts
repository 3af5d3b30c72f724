import {
  Record,
  serdes,
  stores,
  type KeyValueStore,
  type ProcessorContext,
  type ProcessorSupplier,
} from 'millrace'
import { guarded } from '../processors/guarded.ts'
import { isEmail, normalizeEmail } from './email-address.ts'
import type { Contact, FailureReason, ImportJob, RowResult } from './records.ts'
import { TOPICS } from './topics.ts'

/** What is shown of a wrong address: enough to find it in the file. */
const SHOWN_CHARACTERS_MAX = 200

/**
 * Which row of which import each address is from, as `importId/row`: all that must be known to decide about
 * the next one. The contact itself is in the table. A text stays as it is in memory until the commit, while
 * an object would be written and parsed every time.
 */
const originStore = stores.keyValueStore<string, string>({
  name: 'contact-origins',
  keySerde: serdes.string(),
  valueSerde: serdes.string(),
  ranges: false,
})

/**
 * Keyed by address. Every row comes out as one result, in the same transaction as the change of its contact.
 * Within one import the row with the higher number wins; an import that comes later replaces what an earlier
 * one said.
 */
class ImportContacts {
  readonly #context: ProcessorContext<string, Contact | RowResult>
  readonly #origins: KeyValueStore<string, string>

  constructor(context: ProcessorContext<string, Contact | RowResult>) {
    this.#context = context
    this.#origins = context.getStateStore(originStore)
  }

  process({ value: job, timestamp }: Record<string, ImportJob>): void {
    const { importId, row, fields } = job
    const reason = failureOf(fields[0])
    if (reason === undefined) this.#store(job, timestamp)
    const result: RowResult =
      reason === undefined
        ? { row, ok: true }
        : { row, ok: false, reason, email: fields[0].slice(0, SHOWN_CHARACTERS_MAX) }
    this.#context.forward(new Record(importId, result, timestamp), TOPICS.results)
  }

  #store({ importId, row, fields }: ImportJob, timestamp: number): void {
    const email = normalizeEmail(fields[0])
    if (isLaterRow(this.#origins.get(email), importId, row)) return
    const [, name, phone, company] = fields
    const contact: Contact = { email, name, phone, company, importId, row }
    this.#origins.put(email, originOf(importId, row))
    this.#context.forward(new Record(email, contact, timestamp), TOPICS.contacts)
  }
}

function originOf(importId: string, row: number): string {
  return `${importId}/${row}`
}

/** Whether the address is from a row of this import behind `row`. */
function isLaterRow(origin: string | undefined, importId: string, row: number): boolean {
  if (!origin?.startsWith(importId)) return false
  return Number(origin.slice(importId.length + 1)) > row
}

function failureOf(email: string): FailureReason | undefined {
  if (isEmail(email)) return undefined
  return email.trim() === '' ? 'EMAIL_MISSING' : 'EMAIL_INVALID'
}

export function importContacts(): ProcessorSupplier<
  string | null,
  ImportJob | null,
  string,
  Contact | RowResult
> {
  return guarded({ stores: [originStore], make: context => new ImportContacts(context) })
}
