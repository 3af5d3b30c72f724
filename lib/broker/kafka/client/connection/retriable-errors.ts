import { partitionKey } from '../../../../common/ids.ts'
import type { TopicPartition } from '../../../broker.ts'
import { UNKNOWN_TOPIC_OR_PARTITION } from './cluster.ts'

/** Error codes that a new look at the cluster, or a moment's patience, mends. */
export const RETRIABLE: ReadonlySet<number> = new Set([-1, 5, 6, 7, 8, 9, 13, 56, 74, 75, 78])
/** By name, by id, and by an id that belongs to another name now. */
export const UNKNOWN: ReadonlySet<number> = new Set([UNKNOWN_TOPIC_OR_PARTITION, 100, 103])

const RETRY_MS = 50
const RETRY_MS_MAX = 1_000

/** How long to wait after so many failures in a row. */
export function retryMs(failures: number): number {
  return Math.min(RETRY_MS_MAX, RETRY_MS * 2 ** Math.min(failures, 10))
}

export function nameOf({ topic, partition }: TopicPartition): string {
  return partitionKey(topic, partition)
}

export function placeOf({ topic, partition }: TopicPartition): TopicPartition {
  return { topic, partition }
}
