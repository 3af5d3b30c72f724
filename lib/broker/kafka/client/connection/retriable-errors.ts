import { partitionKey } from '../../../../common/ids.ts'
import type { TopicPartition } from '../../../broker.ts'
import { UNKNOWN_TOPIC_OR_PARTITION } from './cluster.ts'

/** Error codes after which the same request may succeed, at this leader or at another one. */
export const RETRIABLE: ReadonlySet<number> = new Set([-1, 5, 6, 7, 8, 9, 13, 56, 74, 75, 78])
/**
 * Error codes for an unknown topic or partition: by name, by id, and by an id that does not match the name.
 */
export const UNKNOWN: ReadonlySet<number> = new Set([UNKNOWN_TOPIC_OR_PARTITION, 100, 103])

const RETRY_MS = 50
const RETRY_MS_MAX = 1_000

/** The backoff after so many failures in a row. */
export function retryMs(failures: number): number {
  return Math.min(RETRY_MS_MAX, RETRY_MS * 2 ** Math.min(failures, 10))
}

export function nameOf({ topic, partition }: TopicPartition): string {
  return partitionKey(topic, partition)
}

export function placeOf({ topic, partition }: TopicPartition): TopicPartition {
  return { topic, partition }
}
