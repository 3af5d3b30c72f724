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

const contactStore = stores.keyValueStore<string, Contact>({
  name: 'contacts-by-email',
  keySerde: serdes.string(),
  valueSerde: serdes.json(),
  ranges: false,
})

/**
 * Keyed by address. Every row comes out as one result, in the same transaction as the change of its contact. Within one import the row
 * with the higher number wins; an import that comes later replaces what an earlier one said.
 */
class ImportContacts implements Processor<string, ImportJob, string, Contact | RowResult> {
  #context: ProcessorContext<string, Contact | RowResult> | undefined
  #contacts: KeyValueStore<string, Contact> | undefined

  init(context: ProcessorContext<string, Contact | RowResult>): void {
    this.#context = context
    this.#contacts = context.getStateStore(contactStore.name)
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
    const present = this.#contacts!.get(email)
    if (present && present.importId === importId && present.row > row) return
    const [, name, phone, company] = fields
    const contact: Contact = { email, name, phone, company, importId, row }
    this.#contacts!.put(email, contact)
    this.#context!.forward(new Record(email, contact, timestamp), CONTACTS)
  }
}

function failureOf(email: string): FailureReason | undefined {
  if (isEmail(email)) return undefined
  return email.trim() === '' ? 'EMAIL_MISSING' : 'EMAIL_INVALID'
}

export function importContacts(): ProcessorSupplier<string, ImportJob, string, Contact | RowResult> {
  return { get: () => new ImportContacts(), stores: [contactStore] }
}
