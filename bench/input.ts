import { Buffer } from 'node:buffer'
import type { Broker } from '../lib/index.ts'
import { partitionForKey } from '../lib/common/hash/murmur2.ts'

export const PARTITIONS = 8
export const KEYS = 100_000

/**
 * The n-th input: a 12-byte key out of `KEYS`, and a JSON value of 107 bytes. Computed, so that expectations
 * can be, too.
 */
export function inputKey(at: number): string {
  // A stride that is prime to KEYS visits every key in a scattered order.
  return `key-${String((at * 7919) % KEYS).padStart(8, '0')}`
}

export function inputValue(at: number): string {
  const id = String(at).padStart(10, '0')
  return `{"id":"${id}","site":"${inputKey(at)}","amount":${1000 + (at % 9000)},"note":"the quick brown fox jumps over it"}`
}

/** Makes the topic and fills it. */
export async function loadInput(broker: Broker, topic: string, records: number): Promise<void> {
  await createTopics(broker, [topic])
  const producer = await broker.producer({ clientId: 'bench-loader' })
  for (let at = 0; at < records; at += 1) {
    if (!producer.writable) await producer.drained()
    const key = Buffer.from(inputKey(at))
    const partition = partitionForKey(key, PARTITIONS)
    producer.send({
      topic,
      partition,
      key,
      value: Buffer.from(inputValue(at)),
      timestamp: 1_700_000_000_000 + at,
      headers: [],
    })
  }
  await producer.flush()
  await producer.close()
}

export async function createTopics(broker: Broker, topics: readonly string[]): Promise<void> {
  const admin = await broker.admin()
  await admin.createTopics(
    topics.map(topic => ({ topic, partitionCount: PARTITIONS, config: { 'retention.ms': '-1' } })),
  )
  await admin.close()
}
