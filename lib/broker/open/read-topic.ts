import type { Admin, Broker, RecordBatch } from '../broker.ts'
import { readPartitions } from './read-partitions.ts'

export interface TopicReading {
  readonly broker: Broker
  readonly admin: Admin
  readonly clientId: string
  /** Ends the reading. */
  readonly signal?: AbortSignal | undefined
}

/**
 * All committed records of a topic, up to the end that it has at the call, without a group; those of one
 * partition in their order. None where there is no such topic.
 */
export async function* readTopic(
  topic: string,
  { broker, admin, clientId, signal }: TopicReading,
): AsyncGenerator<RecordBatch, void, undefined> {
  const description = (await admin.describeTopics([topic])).get(topic)
  if (!description) return
  const partitions = Array.from({ length: description.partitionCount }, (_, partition) => ({
    topic,
    partition,
  }))
  const isolation = 'read_committed'
  const beginnings = await admin.beginningOffsets(partitions)
  const ends = await admin.endOffsets(partitions, isolation)
  const starts = partitions.map(each => ({
    ...each,
    offset: beginnings.get(`${topic}-${each.partition}`) ?? 0,
  }))
  yield* readPartitions(broker, { clientId, isolation, starts, ends, signal })
}
