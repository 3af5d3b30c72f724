import {
  Record,
  serdes,
  stores,
  type KeyValueStore,
  type Processor,
  type ProcessorContext,
  type ProcessorSupplier,
} from 'millrace'
import { isEmail, normalizeEmail } from './email-address.ts'
import type { Contact, FailureReason, ImportJob, RowResult } from './records.ts'

const CONTACTS = 'contacts-sink'
const RESULTS = 'results-sink'
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
class ImportContacts implements Processor<string, ImportJob, string, Contact | RowResult> {
  #context: ProcessorContext<string, Contact | RowResult> | undefined
  #origins: KeyValueStore<string, string> | undefined

  init(context: ProcessorContext<string, Contact | RowResult>): void {
    this.#context = context
    this.#origins = context.getStateStore(originStore.name)
  }

  process({ value: job, timestamp }: Record<string, ImportJob>): void {
    const { importId, row, fields } = job
    const reason = failureOf(fields[0])
    if (reason === undefined) this.#store(job, timestamp)
    const result: RowResult =
      reason === undefined
        ? { row, ok: true }
        : { row, ok: false, reason, email: fields[0].slice(0, SHOWN_CHARACTERS_MAX) }
    this.#context!.forward(new Record(importId, result, timestamp), RESULTS)
  }

  #store({ importId, row, fields }: ImportJob, timestamp: number): void {
    const email = normalizeEmail(fields[0])
    if (isLaterRow(this.#origins!.get(email), importId, row)) return
    const [, name, phone, company] = fields
    const contact: Contact = { email, name, phone, company, importId, row }
    this.#origins!.put(email, originOf(importId, row))
    this.#context!.forward(new Record(email, contact, timestamp), CONTACTS)
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

export function importContacts(): ProcessorSupplier<string, ImportJob, string, Contact | RowResult> {
  return { get: () => new ImportContacts(), stores: [originStore] }
}
