import type { RecordContext } from '../common/record-context.ts'

/**
 * Where an output record goes: a partition number; several (multicast, KIP-873); none (`[]`: the record is
 * dropped, counted); or `undefined` for the default (murmur2 of the key's bytes; without a key, spread
 * evenly). The value comes first and the key second, as in all callbacks; Kafka Streams has
 * `(topic, key, value, numPartitions)`.
 */
export type StreamPartitioner<K = unknown, V = unknown> = {
  // TypeScript compares a method's parameters in both directions: without it a table that never deletes could
  // not stand for one that may.
  choose(value: V, key: K, topic: string, partitionCount: number): number | readonly number[] | undefined
}['choose']

/** A partitioner that goes by a part of the key's bytes, as the default does by all of them. */
export type BytesPartitioner = StreamPartitioner & {
  ofBytes(key: Uint8Array, partitionCount: number): number
}

/**
 * Partitioners whose records come back to the partition of the key that asked: what reads them finds each key
 * where the default puts it.
 */
const returning = new WeakSet<StreamPartitioner>()

export function returningToSender(partitioner: StreamPartitioner): StreamPartitioner {
  returning.add(partitioner)
  return partitioner
}

export function returnsToSender(partitioner: StreamPartitioner): boolean {
  return returning.has(partitioner)
}

/**
 * Where a sink writes, decided record by record (KIP-303); no name is an error (`INVALID_TOPIC_NAME`). Kafka
 * Streams has `(key, value, recordContext)`.
 */
export type TopicNameExtractor<K = unknown, V = unknown> = (
  value: V,
  key: K,
  context: RecordContext,
) => string
