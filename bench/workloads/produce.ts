import { Buffer } from 'node:buffer'
import { partitionForKey } from '../../lib/common/hash/murmur2.ts'
import { openBroker, silentLogger } from '../../lib/index.ts'
import { createTopics, inputKey, inputValue, PARTITIONS } from '../input.ts'
import { eachRecord, ResultHash } from '../output.ts'
import { Stopwatch, type Span } from '../stopwatch.ts'
import type { BenchOptions, Measured, Workload } from '../workload.ts'
import { inputHash } from './pass-through.ts'

const ROUNDS = 3
const PATHS = ['native', 'direct'] as const
type Path = (typeof PATHS)[number]
/** Between two turns of the event loop, as when records are processed. */
const SLICE = 2_000
const TRANSACTION = 100_000

interface ProduceSpan extends Span {
  /** Inside `send` alone. */
  readonly sendSeconds: number
}

/**
 * Sending alone, to the acknowledgement: both paths in turn, so that both see the same machine. The figure is
 * that of the direct one.
 */
export const produce: Workload = {
  name: 'produce',
  question: 'How many records a second are sent to Kafka directly (and, above it, with the native client)?',
  records: 2_000_000,
  smallRecords: 50_000,
  needsKafka: true,
  async run({ broker, records, guarantee, named, progress }: BenchOptions): Promise<Measured> {
    const input = madeInput(records)
    const spans: { [path in Path]: ProduceSpan[] } = { native: [], direct: [] }
    const isTransactional = guarantee === 'exactly-once'
    const topicOf = (path: Path, round: number) => named(`produce-${path}-${round}`)
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const path of PATHS) {
        const topic = topicOf(path, round)
        await createTopics(broker, [topic])
        spans[path].push(await timeToSend({ brokers: broker.name, path, topic, isTransactional }, input))
      }
    }
    const [native, direct] = PATHS.map(path => medianOf(spans[path])) as [ProduceSpan, ProduceSpan]
    for (const [path, span] of Object.entries({ native, direct })) {
      const rate = Math.round(records / span.seconds).toLocaleString('en')
      const perRecord = (seconds: number) => ((seconds * 1e6) / records).toFixed(2)
      progress(
        `${path}: ${rate} records/s, ${perRecord(span.cpuSeconds)} cpu µs/record, ${perRecord(span.sendSeconds)} µs in send`,
      )
    }
    const hash = new ResultHash()
    await eachRecord(broker, topicOf('direct', ROUNDS - 1), ({ key, value }) => hash.add(key!, value!))
    return { records, ...direct, hash: hash.toString(), expected: inputHash(records) }
  },
}

interface Input {
  readonly key: Buffer
  readonly value: Buffer
  readonly partition: number
}

/** Made before, so that sending alone is timed. */
function madeInput(records: number): Input[] {
  return Array.from({ length: records }, (_, at) => {
    const key = Buffer.from(inputKey(at))
    return { key, value: Buffer.from(inputValue(at)), partition: partitionForKey(key, PARTITIONS) }
  })
}

interface Target {
  readonly brokers: string
  readonly path: Path
  readonly topic: string
  readonly isTransactional: boolean
}

async function timeToSend({ brokers, path, topic, isTransactional }: Target, input: readonly Input[]) {
  const broker = await openBroker(brokers, { produce: path, logger: silentLogger })
  const producer = await broker.producer({
    clientId: 'bench',
    ...(isTransactional ? { transactionalId: topic, transactionTimeoutMs: 60_000 } : {}),
  })
  if (isTransactional) {
    await producer.initTransactions()
    await producer.begin()
  }
  let sendMs = 0
  const stopwatch = new Stopwatch()
  for (let at = 0; at < input.length; at += SLICE) {
    if (!producer.writable) await producer.drained()
    const startMs = performance.now()
    for (const { key, value, partition } of input.slice(at, at + SLICE)) {
      producer.send({ topic, partition, key, value, timestamp: 1_700_000_000_000 + at, headers: [] })
    }
    sendMs += performance.now() - startMs
    await new Promise(resolve => setImmediate(resolve))
    if (!isTransactional || (at + SLICE) % TRANSACTION !== 0) continue
    await producer.commitTransaction()
    await producer.begin()
  }
  await (isTransactional ? producer.commitTransaction() : producer.flush())
  const span = { ...stopwatch.span(), sendSeconds: sendMs / 1000 }
  await producer.close()
  await broker.close()
  return span
}

function medianOf(spans: readonly ProduceSpan[]): ProduceSpan {
  return [...spans].sort((left, right) => left.seconds - right.seconds)[Math.floor(spans.length / 2)]!
}
