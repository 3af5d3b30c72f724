import type { Admin, TopicDescription, TopicPartition } from '../../broker/broker.ts'
import { nearest } from '../../common/nearest-name.ts'
import { UsageError } from '../output/exit-code.ts'

/**
 * The topics, in the order of their names here. Throws a `UsageError`, `UNKNOWN_TOPIC`, with the nearest name
 * that there is.
 */
export async function knownTopics(
  admin: Admin,
  names: readonly string[],
  brokers: string,
): Promise<readonly TopicDescription[]> {
  const found = await admin.describeTopics([...new Set(names)])
  const unknown = names.find(name => !found.has(name))
  if (unknown === undefined) return [...found.values()]
  const guess = nearest(unknown, await admin.listTopics())
  const message = `there is no topic ${unknown} at ${brokers}${guess === undefined ? '' : `; did you mean ${guess}?`}`
  throw new UsageError('UNKNOWN_TOPIC', message)
}

export function partitionsOf({ topic, partitionCount }: TopicDescription): TopicPartition[] {
  return Array.from({ length: partitionCount }, (_, partition) => ({ topic, partition }))
}
