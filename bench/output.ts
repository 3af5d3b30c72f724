import type { Broker, RawRecord } from '../lib/index.ts'
import { partitionKey } from '../lib/common/ids.ts'
import { murmur2 } from '../lib/common/hash/murmur2.ts'
import { PARTITIONS } from './input.ts'

/** A number over records that does not depend on their order: the sum of the records' hashes, modulo 2^52. */
export class ResultHash {
  #sum = 0n
  #count = 0

  add(key: Uint8Array, value: Uint8Array): void {
    this.#sum += BigInt(murmur2(key) >>> 0) * 31n + BigInt(murmur2(value) >>> 0)
    this.#count += 1
  }

  toString(): string {
    return `${this.#count}:${(this.#sum % (1n << 52n)).toString(16)}`
  }
}

const ALL_PARTITIONS: readonly number[] = Array.from({ length: PARTITIONS }, (_, partition) => partition)

/** Calls for every committed record of a topic, or of some of its partitions. */
export async function eachRecord(
  broker: Broker,
  topic: string,
  call: (record: RawRecord) => void,
  numbers = ALL_PARTITIONS,
): Promise<void> {
  const partitions = numbers.map(partition => ({ topic, partition }))
  const admin = await broker.admin()
  const ends = await admin.endOffsets(partitions, 'read_committed')
  await admin.close()
  const consumer = await broker.consumer({ clientId: 'bench-checker', isolation: 'read_committed' })
  consumer.assign(partitions.map(partition => ({ ...partition, offset: 0 })))
  const isDone = () =>
    partitions.every(
      partition => consumer.position(partition)! >= ends.get(partitionKey(topic, partition.partition))!,
    )
  while (!isDone()) {
    const batches = consumer.poll(10_000)
    for (const batch of batches) for (const record of batch.records) call(record)
    if (batches.length === 0) await consumer.ready(100)
  }
  await consumer.close()
}
