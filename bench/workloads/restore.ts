import { Buffer } from 'node:buffer'
import { KafkaStreams, serdes, silentLogger, StreamsBuilder } from '../../lib/index.ts'
import { partitionForKey } from '../../lib/common/hash/murmur2.ts'
import { createTopics, PARTITIONS } from '../input.ts'
import { ResultHash } from '../output.ts'
import { Stopwatch } from '../stopwatch.ts'
import type { BenchOptions, Measured, Workload } from '../workload.ts'

export const restore: Workload = {
  name: 'restore',
  question: 'How many changelog records a second come back into stores on disk?',
  records: 1_000_000,
  smallRecords: 50_000,
  async run(options: BenchOptions): Promise<Measured> {
    const { broker, records, guarantee, named } = options
    const [applicationId, input] = [named('restore'), named('restore-in')]
    await createTopics(broker, [input])
    await fillChangelog(options, `${applicationId}-totals-changelog`)
    const builder = new StreamsBuilder()
    builder
      .stream(input, { keySerde: serdes.string(), valueSerde: serdes.string() })
      .groupByKey()
      .count({ storeName: 'totals' })
    const streams = new KafkaStreams(
      builder.build(),
      // The changelog was made by hand: there are no offsets that it belongs to.
      { applicationId, processingGuarantee: guarantee, stateDir: options.stateDir, offsetsLost: 'accept' },
      { broker, logger: silentLogger },
    )
    const stopwatch = new Stopwatch()
    await streams.start()
    const span = stopwatch.span()
    const hash = new ResultHash()
    const store = streams.store<string, number>('totals')
    for await (const [key, value] of store.all()) hash.add(Buffer.from(key), int64(value))
    await streams.close()
    return { records, ...span, hash: hash.toString(), expected: expectedHash(records) }
  },
}

const restoreKey = (at: number) => `key-${String(at).padStart(10, '0')}`

function int64(value: number): Uint8Array {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64BE(BigInt(value))
  return bytes
}

async function fillChangelog({ broker, records }: BenchOptions, topic: string): Promise<void> {
  const admin = await broker.admin()
  await admin.createTopics([{ topic, partitionCount: PARTITIONS, config: { 'cleanup.policy': 'compact' } }])
  await admin.close()
  const producer = await broker.producer({ clientId: 'bench-loader' })
  for (let at = 0; at < records; at += 1) {
    if (!producer.writable) await producer.drained()
    const key = Buffer.from(restoreKey(at))
    const partition = partitionForKey(key, PARTITIONS)
    producer.send({ topic, partition, key, value: int64(at), timestamp: 1_700_000_000_000, headers: [] })
  }
  await producer.flush()
  await producer.close()
}

function expectedHash(records: number): string {
  const hash = new ResultHash()
  for (let at = 0; at < records; at += 1) hash.add(Buffer.from(restoreKey(at)), int64(at))
  return hash.toString()
}
