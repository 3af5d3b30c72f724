import { openBroker, silentLogger } from '../../lib/index.ts'
import { loadInput } from '../input.ts'
import { eachRecord, ResultHash } from '../output.ts'
import { Stopwatch, type Span } from '../stopwatch.ts'
import type { BenchOptions, Measured, Workload } from '../workload.ts'
import { inputHash } from './pass-through.ts'

const ROUNDS = 3
const PATHS = ['native', 'direct'] as const

/**
 * Reading alone, each record touched: both paths in turn, so that both see the same machine. The figure is
 * that of the direct one.
 */
export const fetch: Workload = {
  name: 'fetch',
  question: 'How many records a second are read from Kafka directly (and, above it, with the native client)?',
  records: 2_000_000,
  smallRecords: 50_000,
  needsKafka: true,
  async run({ broker, records, named, progress }: BenchOptions): Promise<Measured> {
    const input = named('fetch-in')
    await loadInput(broker, input, records)
    const spans: { [path in (typeof PATHS)[number]]: Span[] } = { native: [], direct: [] }
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const path of PATHS) spans[path].push(await timeToRead(broker.name, path, input))
    }
    const [native, direct] = PATHS.map(path => medianOf(spans[path])) as [Span, Span]
    for (const [path, span] of Object.entries({ native, direct })) {
      const rate = Math.round(records / span.seconds).toLocaleString('en')
      progress(`${path}: ${rate} records/s, ${((span.cpuSeconds * 1e6) / records).toFixed(2)} cpu µs/record`)
    }
    const hash = new ResultHash()
    await eachRecord(broker, input, ({ key, value }) => hash.add(key!, value!))
    return { records, ...direct, hash: hash.toString(), expected: inputHash(records) }
  },
}

async function timeToRead(brokers: string, path: 'direct' | 'native', topic: string): Promise<Span> {
  const broker = await openBroker(brokers, { fetch: path, logger: silentLogger })
  let bytes = 0
  const stopwatch = new Stopwatch()
  await eachRecord(broker, topic, ({ key, value }) => {
    bytes += key!.length + value!.length
  })
  const span = stopwatch.span()
  await broker.close()
  if (bytes === 0) throw new Error(`nothing was read by the ${path} path`)
  return span
}

function medianOf(spans: readonly Span[]): Span {
  return [...spans].sort((left, right) => left.seconds - right.seconds)[Math.floor(spans.length / 2)]!
}
