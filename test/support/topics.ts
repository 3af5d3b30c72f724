import type { Broker, IsolationLevel, RawRecord } from '../../lib/broker/broker.ts'
import { partitionKey } from '../../lib/common/ids.ts'
import { partitionForKey } from '../../lib/common/hash/murmur2.ts'
import { serdes } from '../../lib/serde/serdes.ts'

const CONTEXT = { topic: 'test' }

export type Pair = readonly [key: string | null, value: string | null, timestamp?: number]

export async function createTopics(
  broker: Broker,
  topics: { readonly [topic: string]: number },
  compacted: readonly string[] = [],
): Promise<void> {
  const admin = await broker.admin()
  await admin.createTopics(
    Object.entries(topics).map(([topic, partitionCount]) => ({
      topic,
      partitionCount,
      config: { 'retention.ms': '-1', ...(compacted.includes(topic) && { 'cleanup.policy': 'compact' }) },
    })),
  )
  await admin.close()
}

/** Writes text records by the hash of their keys, and waits until they are acknowledged. */
export async function produce(
  broker: Broker,
  topic: string,
  partitionCount: number,
  pairs: Iterable<Pair>,
): Promise<void> {
  const producer = await broker.producer({ clientId: 'test-producer' })
  for (const [key, value, timestamp = 1_000] of pairs) {
    const keyBytes = key === null ? null : serdes.string().serialize(key, CONTEXT)
    const valueBytes = value === null ? null : serdes.string().serialize(value, CONTEXT)
    const partition = keyBytes === null ? 0 : partitionForKey(keyBytes, partitionCount)
    if (!producer.writable) await producer.drained()
    producer.send({ topic, partition, key: keyBytes, value: valueBytes, timestamp, headers: [] })
  }
  await producer.flush()
  await producer.close()
}

/** Everything in a topic up to the ends seen at the call, partition by partition. */
export async function readAll(
  broker: Broker,
  topic: string,
  isolation: IsolationLevel = 'read_committed',
): Promise<(RawRecord & { readonly partition: number })[]> {
  const admin = await broker.admin()
  const { partitionCount } = (await admin.describeTopics([topic])).get(topic)!
  const partitions = Array.from({ length: partitionCount }, (_, partition) => ({ topic, partition }))
  const ends = await admin.endOffsets(partitions, isolation)
  const beginnings = await admin.beginningOffsets(partitions)
  await admin.close()
  const consumer = await broker.consumer({ clientId: 'test-reader', isolation })
  const offsetOf = (partition: { topic: string; partition: number }) =>
    beginnings.get(partitionKey(partition.topic, partition.partition))!
  consumer.assign(partitions.map(partition => ({ ...partition, offset: offsetOf(partition) })))
  const records: (RawRecord & { readonly partition: number })[] = []
  while (
    partitions.some(
      partition => consumer.position(partition)! < ends.get(partitionKey(topic, partition.partition))!,
    )
  ) {
    const batches = consumer.poll(10_000)
    for (const batch of batches)
      for (const record of batch.records)
        records.push(Object.assign(copyOf(record), { partition: batch.partition }))
    if (batches.length === 0) await consumer.ready(50)
  }
  await consumer.close()
  return records.sort((left, right) => left.partition - right.partition || left.offset - right.offset)
}

function copyOf({ key, value, timestamp, offset, headers }: RawRecord): RawRecord {
  return { key, value, timestamp, offset, headers }
}

export function textOf(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : serdes.string().deserialize(bytes, CONTEXT)
}

export function int64Of(bytes: Uint8Array | null): number | null {
  return bytes === null ? null : serdes.int64().deserialize(bytes, CONTEXT)
}
