import { Buffer } from 'node:buffer'
import { serdes, StreamsBuilder, type Broker } from '../../lib/index.ts'
import { createTopics, inputKey, loadInput } from '../input.ts'
import { eachRecord, ResultHash } from '../output.ts'
import { timeToProcess } from '../run-application.ts'
import type { BenchOptions, Measured, Workload } from '../workload.ts'

export const count: Workload = {
  name: 'count',
  question: 'How many records a second are counted by key (100,000 keys, state on disk)?',
  records: 2_000_000,
  smallRecords: 50_000,
  async run(options: BenchOptions): Promise<Measured> {
    const { broker, records, named } = options
    const [input, output] = [named('count-in'), named('count-out')]
    await loadInput(broker, input, records)
    await createTopics(broker, [output])
    const builder = new StreamsBuilder()
    builder
      .stream(input, { keySerde: serdes.string(), valueSerde: serdes.bytes() })
      .groupByKey()
      .count({ storeName: 'counts' })
      .toStream()
      .to(output, { keySerde: serdes.string(), valueSerde: serdes.int64() })
    const span = await timeToProcess(builder.build(), records, options)
    return { records, ...span, hash: await tableHash(broker, output), expected: expectedHash(records) }
  },
}

/** The last value of every key: how many updates came in between is the cache's affair. */
async function tableHash(broker: Broker, topic: string): Promise<string> {
  const table = new Map<string, Uint8Array>()
  await eachRecord(broker, topic, ({ key, value }) =>
    table.set(Buffer.from(key!).toString(), Buffer.from(value!)),
  )
  const hash = new ResultHash()
  for (const [key, value] of table) hash.add(Buffer.from(key), value)
  return hash.toString()
}

function expectedHash(records: number): string {
  const counts = new Map<string, number>()
  for (let at = 0; at < records; at += 1) counts.set(inputKey(at), (counts.get(inputKey(at)) ?? 0) + 1)
  const hash = new ResultHash()
  for (const [key, total] of counts) {
    const value = Buffer.alloc(8)
    value.writeBigInt64BE(BigInt(total))
    hash.add(Buffer.from(key), value)
  }
  return hash.toString()
}
