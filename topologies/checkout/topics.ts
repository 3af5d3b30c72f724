import type { NewTopic } from 'millrace'

export const TOPICS = {
  /** By order. */
  purchases: 'order-purchase-completed',
  checkouts: 'order-checkout-completed',
  deliveries: 'deliveries',
  invoices: 'invoices',
  /** By article. */
  restocks: 'restocks',
  inventory: 'inventory',
} as const

const PARTITIONS = 4
const COMPACTED = { 'cleanup.policy': 'compact' }

export const topics: NewTopic[] = [
  { topic: TOPICS.purchases, partitionCount: PARTITIONS },
  { topic: TOPICS.checkouts, partitionCount: PARTITIONS },
  { topic: TOPICS.deliveries, partitionCount: PARTITIONS },
  { topic: TOPICS.invoices, partitionCount: PARTITIONS },
  { topic: TOPICS.restocks, partitionCount: PARTITIONS },
  { topic: TOPICS.inventory, partitionCount: PARTITIONS, config: COMPACTED },
]
