import type { Audit, AuditSide } from 'millrace'
import { jsonOf, textOf } from '../web/record-json.ts'
import type { Charge, Renewal } from './records.ts'
import { TOPICS } from './topics.ts'

const ofCustomer = (topic: string): AuditSide => ({
  topics: [topic],
  id: ({ key, value }) => `${textOf(key)} ${jsonOf<Renewal>(value).dueMs}`,
})
const charges: AuditSide = {
  topics: [TOPICS.charges],
  id({ value }) {
    const { customer, dueMs } = jsonOf<Charge>(value)
    return `${customer} ${dueMs}`
  },
}

export const audits: readonly Audit[] = [
  {
    name: 'charged once',
    description: 'Each renewal is charged once, however often the provider fails and the process is killed.',
    expected: ofCustomer(TOPICS.renewals),
    seen: charges,
    // A card may fail for hours: until then a renewal is pending.
    graceMs: 24 * 3_600_000,
  },
  {
    name: 'received once',
    description: 'Each charge in the books of the provider has one receipt.',
    expected: charges,
    seen: ofCustomer(TOPICS.receipts),
    graceMs: 600_000,
  },
]
