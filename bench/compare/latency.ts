import { Buffer } from 'node:buffer'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ProcessingGuarantee } from '../../lib/index.ts'
import { partitionForKey } from '../../lib/common/hash/murmur2.ts'
import { PARTITIONS } from '../input.ts'
import type { Application, Side } from './application.ts'
import { AnswerError, eachSide, type Case, type Figures } from './case.ts'
import { orders } from './input.ts'
import { CACHE_BYTES, COMMIT_MS } from './names.ts'
import { partitionsOf, untilAssigned } from './observe.ts'
import type { Stage } from './stage.ts'

export interface Pace {
  readonly recordsPerSecond: number
  /** Sent, but not counted: programs get faster in their first seconds. */
  readonly warmUpMs: number
  readonly measuredMs: number
}

const TICK_MS = 5
const PATIENCE_MS = 30_000
/** Where an order's number stands in its JSON. */
const ID = { start: 7, end: 17 }

/**
 * Records at an even pace through the pass-through topology: the time from handing a record to a producer to
 * having the committed output, both in this process, so there is one clock, and the same clients serve both
 * sides.
 */
export function latencyCase(guarantee: ProcessingGuarantee, pace: Pace): Case {
  const records = Math.round((pace.recordsPerSecond * pace.measuredMs) / 1000)
  return {
    names: ['latency'],
    guarantee,
    records,
    prepare: () => Promise.resolve(),
    // Never together: one process stamps and reads for both.
    round: (stage, sides, round) =>
      eachSide(sides, { ...round, together: false }, side => runSide(stage, side, guarantee, pace)),
  }
}

async function runSide(
  stage: Stage,
  side: Side,
  guarantee: ProcessingGuarantee,
  pace: Pace,
): Promise<Figures> {
  const applicationId = stage.unique(`${side.name}-latency`)
  const [input, output] = [`input-of-${applicationId}`, `output-of-${applicationId}`]
  await stage.createTopics([input, output], PARTITIONS)
  const settings = { guarantee, commitMs: COMMIT_MS[guarantee], cacheBytes: CACHE_BYTES }
  const application = stage.start(side, {
    workload: 'pass-through',
    applicationId,
    input,
    right: '',
    output,
    ...settings,
  })
  await untilAssigned({ admin: stage.admin, application, groupId: applicationId })
  const probe = new Probe(pace)
  const receiving = receive(stage, application, output, probe)
  await Promise.all([send(stage, input, probe, pace), receiving])
  await stage.end(application, applicationId)
  await stage.deleteTopics([input, output], [applicationId])
  const { p50, p99 } = probe.percentiles(side.title)
  return { values: [{ name: 'latency', value: p50, p99 }] }
}

/** When each record went and came, by its number. */
class Probe {
  readonly total: number
  readonly #sentMs: Float64Array
  readonly #tookMs: Float64Array
  readonly #firstMeasured: number
  received = 0

  constructor({ recordsPerSecond, warmUpMs, measuredMs }: Pace) {
    this.total = Math.round((recordsPerSecond * (warmUpMs + measuredMs)) / 1000)
    this.#firstMeasured = Math.round((recordsPerSecond * warmUpMs) / 1000)
    this.#sentMs = new Float64Array(this.total)
    this.#tookMs = new Float64Array(this.total).fill(-1)
  }

  sent(at: number): void {
    this.#sentMs[at] = performance.now()
  }

  came(at: number): void {
    if (this.#tookMs[at] !== -1) throw new AnswerError(`record ${at} has come out twice, without any failure`)
    this.#tookMs[at] = performance.now() - this.#sentMs[at]!
    this.received += 1
  }

  percentiles(title: string): { p50: number; p99: number } {
    if (this.received !== this.total)
      throw new AnswerError(`${title} has passed on ${this.received} of ${this.total} records`)
    const took = this.#tookMs.subarray(this.#firstMeasured).slice().sort()
    const at = (share: number) => took[Math.min(took.length - 1, Math.floor(took.length * share))]!
    return { p50: at(0.5), p99: at(0.99) }
  }
}

/** As many as are due every few milliseconds; what a late timer has missed is made up at once. */
async function send({ broker, startMs }: Stage, topic: string, probe: Probe, pace: Pace): Promise<void> {
  const producer = await broker.producer({ clientId: 'bench-probe' })
  const record = orders(startMs)
  const beganMs = performance.now()
  let at = 0
  while (at < probe.total) {
    const due = Math.min(
      probe.total,
      Math.floor(((performance.now() - beganMs) * pace.recordsPerSecond) / 1000),
    )
    for (; at < due; at += 1) {
      const { key, value, timestamp } = record(at)
      const bytes = Buffer.from(key)
      const partition = partitionForKey(bytes, PARTITIONS)
      probe.sent(at)
      producer.send({ topic, partition, key: bytes, value: Buffer.from(value), timestamp, headers: [] })
    }
    await sleep(TICK_MS)
  }
  await producer.flush()
  await producer.close()
}

async function receive(
  { broker }: Stage,
  application: Application,
  topic: string,
  probe: Probe,
): Promise<void> {
  const consumer = await broker.consumer({ clientId: 'bench-probe', isolation: 'read_committed' })
  consumer.assign(partitionsOf(topic, PARTITIONS).map(partition => ({ ...partition, offset: 0 })))
  let deadline = performance.now() + PATIENCE_MS
  while (probe.received < probe.total && performance.now() < deadline) {
    application.assertAlive()
    const batches = consumer.poll(10_000)
    for (const { records } of batches) {
      for (const { value } of records) probe.came(numberIn(value!))
    }
    if (batches.length > 0) deadline = performance.now() + PATIENCE_MS
    else await consumer.ready(100)
  }
  await consumer.close()
}

function numberIn(value: Uint8Array): number {
  return Number(
    Buffer.from(value.buffer, value.byteOffset, value.length).toString('latin1', ID.start, ID.end),
  )
}
