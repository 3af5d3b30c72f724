import type { NewTopic } from 'millrace'

export const TOPICS = {
  /** By customer. */
  subscriptions: 'subscriptions',
  /** One request for each customer and time. */
  renewals: 'renewals',
  /** What became of them. */
  receipts: 'receipts',
  /** The provider's own: its charges by idempotency key, and how it behaves. */
  charges: 'provider-charges',
  provider: 'provider-switch',
} as const

const PARTITIONS = 4
const COMPACTED = { 'cleanup.policy': 'compact' }

export const topics: NewTopic[] = [
  { topic: TOPICS.subscriptions, partitionCount: PARTITIONS, config: COMPACTED },
  { topic: TOPICS.renewals, partitionCount: PARTITIONS },
  { topic: TOPICS.receipts, partitionCount: PARTITIONS },
  { topic: TOPICS.charges, partitionCount: 1, config: COMPACTED },
  { topic: TOPICS.provider, partitionCount: 1, config: COMPACTED },
]
