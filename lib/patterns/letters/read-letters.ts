import type { Admin, Broker, RawRecord } from '../../broker/broker.ts'
import { readTopic } from '../../broker/open/read-topic.ts'
import { readLetter, type Letter } from '../../processor/letter.ts'

/** A letter, and where it lies in its topic. */
export interface StoredLetter {
  readonly letter: Letter
  readonly partition: number
  readonly offset: number
  /** As it lies there. */
  readonly record: RawRecord
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
  options: ReadLettersOptions,
): AsyncGenerator<StoredLetter, void, undefined> {
  for await (const { partition, records } of readTopic(topic, { clientId: 'millrace-letters', ...options })) {
    for (const record of records) {
      const letter = readLetter(record)
      if (letter) yield { letter, partition, offset: record.offset, record }
    }
  }
}
