import { StreamsError } from '../common/errors/errors.ts'
import type { Header } from '../common/headers.ts'

/** The record as an extractor sees it: deserialised, with its place. */
export interface ConsumedRecord<K = unknown, V = unknown> {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly timestamp: number
  readonly key: K
  readonly value: V
  readonly headers: readonly Header[]
}

/**
 * The time of a record, milliseconds since the epoch, a whole number. A negative answer drops the record
 * (counted as `dropped-records-total`, logged at `warn` for the first, the tenth, the hundredth of a
 * partition). Any other answer (a Date, a bigint, a text, NaN) is an error, and goes with what an extractor
 * throws to the `deserializationErrorHandler`. `partitionTimeMs` is the highest time seen in the record's
 * partition, -1 at first.
 */
export type TimestampExtractor<K = unknown, V = unknown> = (
  record: ConsumedRecord<K, V>,
  partitionTimeMs: number,
) => number

/**
 * The record's own timestamp; a negative one is an error. The default, `FailOnInvalidTimestamp` in Kafka
 * Streams.
 */
export const failOnInvalidTimestamp: TimestampExtractor = record => {
  if (record.timestamp >= 0) return record.timestamp
  throw new StreamsError(
    'INVALID_TIMESTAMP',
    `record ${record.topic}-${record.partition}@${record.offset} has the invalid timestamp ${record.timestamp}. ` +
      'It may come from a client older than Kafka 0.10; choose another timestampExtractor to accept it.',
  )
}

/** The record's own timestamp; a record with a negative one is dropped. */
export const skipOnInvalidTimestamp: TimestampExtractor = record => record.timestamp

/** The record's own timestamp, or the partition's time where it is negative. */
export const usePartitionTimeOnInvalidTimestamp: TimestampExtractor = (record, partitionTimeMs) => {
  if (record.timestamp >= 0) return record.timestamp
  if (partitionTimeMs >= 0) return partitionTimeMs
  throw new StreamsError(
    'INVALID_TIMESTAMP',
    `record ${record.topic}-${record.partition}@${record.offset} has the invalid timestamp ${record.timestamp}, ` +
      'and its partition has no time yet.',
  )
}
