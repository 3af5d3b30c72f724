import type { Audit, AuditSide } from 'millrace'
import { textOf } from '../web/record-json.ts'
import { TOPICS } from './topics.ts'

/** An order is one, however often its payment is told. */
const orders: AuditSide = { topics: [TOPICS.purchases], id: ({ key }) => textOf(key) }
const seenIn = (topic: string): AuditSide => ({ topics: [topic], id: ({ key }) => textOf(key) })

export const audits: readonly Audit[] = [
  {
    name: 'checked out once',
    description: 'Each order has one checkout, though payments may tell it several times.',
    expected: orders,
    seen: seenIn(TOPICS.checkouts),
  },
  {
    name: 'delivered once',
    description: 'Each checkout has one delivery.',
    expected: seenIn(TOPICS.checkouts),
    seen: seenIn(TOPICS.deliveries),
  },
  {
    name: 'invoiced once',
    description: 'Each checkout has one invoice.',
    expected: seenIn(TOPICS.checkouts),
    seen: seenIn(TOPICS.invoices),
  },
]
