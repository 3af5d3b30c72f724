import { type Audit, type AuditSide } from 'millrace'
import { jsonOf, textOf } from '../web/record-json.ts'
import type { Charge, Renewal } from './records.ts'
import { TOPICS } from './topics.ts'

const renewals: AuditSide = {
  topics: [TOPICS.renewals],
  id: ({ key, value }) => `${textOf(key)} ${jsonOf<Renewal>(value).dueMs}`,
}
const charges: AuditSide = {
  topics: [TOPICS.charges],
  id({ value }) {
    const { customer, dueMs } = jsonOf<Charge>(value)
    return `${customer} ${dueMs}`
  },
}
const receipts: AuditSide = { ...renewals, topics: [TOPICS.receipts] }

/** A card may fail for hours: until then a renewal is pending. */
export const chargedOnce: Audit = {
  name: 'charged once',
  description: 'Each renewal is charged once, however often the provider fails and the process is killed.',
  expected: renewals,
  seen: charges,
  graceMs: 24 * 3_600_000,
}

export const receivedOnce: Audit = {
  name: 'received once',
  description: 'Each charge in the books of the provider has one receipt.',
  expected: charges,
  seen: receipts,
  graceMs: 600_000,
}
