import type { Admin, Broker } from '../../broker/broker.ts'
import { readPartitions } from '../../broker/open/read-partitions.ts'
import { readLetter, type Letter } from '../../processor/letter.ts'

/** A letter, and where it lies in its topic. */
export interface StoredLetter {
  readonly letter: Letter
  readonly partition: number
  readonly offset: number
}

export interface ReadLettersOptions {
  readonly broker: Broker
  readonly admin: Admin
  /** Ends the reading. */
  readonly signal?: AbortSignal | undefined
}

/**
 * Letters of an operator, up to the end that its topic has at the call; those of one partition in their
 * order. None where there is no such topic: the application has not run yet. Reads without a group.
 */
export async function* readLetters(
  topic: string,
  { broker, admin, signal }: ReadLettersOptions,
): AsyncGenerator<StoredLetter, void, undefined> {
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
  const reading = { clientId: 'millrace-letters', isolation, starts, ends, signal } as const
  for await (const { partition, records } of readPartitions(broker, reading)) {
    for (const record of records) {
      const letter = readLetter(record)
      if (letter) yield { letter, partition, offset: record.offset }
    }
  }
}
