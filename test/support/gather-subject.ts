import type { Admin, Broker, TopicPartitionOffset } from '../../lib/broker/broker.ts'
import { partitionKey } from '../../lib/common/ids.ts'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import type { BatchEvent } from '../../lib/dsl/options/gather-options.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import type { Topology } from '../../lib/topology/topology.ts'
import { SeededRandom } from './seeded-random.ts'
import { readAll, textOf, type Pair } from './topics.ts'

/**
 * Deadline, and how long ends are remembered: time passes by clocks that are set forward, by less than the
 * hour that Kafka lets timestamps be ahead.
 */
export const PATIENCE_MS = 1_200_000
const OPEN_IMPORTS = 40
const SEGMENT_EDGE = 2_040

export interface JobResult {
  readonly batch: string
  readonly index?: number
  readonly ok?: boolean
  readonly total?: number
}

interface Count {
  readonly seen: number
  readonly total: number | null
}

/** What must become of an import. */
export interface ExpectedImport {
  readonly type: 'completed' | 'timed-out'
  readonly succeeded: number
  readonly failed: number
  readonly total: number
}

const text = { keySerde: serdes.string(), valueSerde: serdes.string() }
const results = { keySerde: serdes.string(), valueSerde: serdes.json<JobResult>() }

/**
 * Gathers the results of jobs, which are keyed by job, into `events`. With a control, what a plain counter
 * says of the same results is in `counted`.
 */
export function gatherSubject(prefix = '', { control = false } = {}): Topology {
  const builder = new StreamsBuilder()
  const jobs = builder.stream(`${prefix}results`, results)
  jobs
    .gather({
      ...{ name: 'gather', storeName: 'imports', keySerde: serdes.string() },
      ...{ deadlineMs: PATIENCE_MS, forgetAfterMs: PATIENCE_MS, progressIntervalMs: 200 },
      batch: result => result.batch,
      index: result => result.index,
      outcome: result => (result.ok ? 'succeeded' : 'failed'),
      total: result => result.total,
    })
    .to(`${prefix}events`, { keySerde: serdes.string() })
  if (!control) return builder.build()
  jobs
    .groupBy(result => result.batch, results)
    .aggregate<Count>(
      () => ({ seen: 0, total: null }),
      ({ seen, total }, result) => ({
        seen: seen + (result.index === undefined ? 0 : 1),
        total: result.total ?? total,
      }),
      { storeName: 'counts', keySerde: serdes.string(), valueSerde: serdes.json<Count>(), caching: false },
    )
    .toStream()
    .filter(({ seen, total }) => seen === total)
    .mapValues(({ seen }) => String(seen))
    .to(`${prefix}counted`, text)
  return builder.build()
}

/** The n-th import: its deliveries in no order, each result one to three times, and what must come out. */
function importOf(id: string, jobs: number, random: SeededRandom): [JobResult[], ExpectedImport] {
  const isMissing = random.chance(0.1)
  // Large indexes lie in several segments.
  const first = random.chance(0.3) ? SEGMENT_EDGE : random.below(2)
  const missing = first + random.below(jobs)
  const deliveries: JobResult[] = []
  const counts = { succeeded: 0, failed: 0 }
  for (let index = first; index < first + jobs; index += 1) {
    const ok = random.chance(0.9)
    if (isMissing && index === missing) continue
    counts[ok ? 'succeeded' : 'failed'] += 1
    for (let times = 1 + random.below(3); times > 0; times -= 1) deliveries.push({ batch: id, index, ok })
  }
  for (let at = deliveries.length - 1; at > 0; at -= 1) {
    const other = random.below(at + 1)
    ;[deliveries[at], deliveries[other]] = [deliveries[other]!, deliveries[at]!]
  }
  const total = { batch: id, total: jobs }
  const way = random.below(3)
  if (way === 0) deliveries.unshift(total, total)
  else if (way === 1) deliveries.push(total)
  else {
    // Corrected: the wrong one comes again behind the right one, with the timestamp that it had.
    const wrong = { batch: id, total: jobs + 1 + random.below(5) }
    deliveries.unshift(wrong)
    deliveries.splice(1 + random.below(deliveries.length), 0, total, wrong)
  }
  return [deliveries, { type: isMissing ? 'timed-out' : 'completed', ...counts, total: jobs }]
}

export interface GatherInput {
  readonly imports: number
  readonly jobsMax: number
  readonly seed: number
  /** Opens the ids. Default `import-`. */
  readonly idPrefix?: string
}

/** Results of many imports at a time, and what must become of each import, filled while they are read. */
export function gatherInput({ imports, jobsMax, seed, idPrefix = 'import-' }: GatherInput) {
  const expected = new Map<string, ExpectedImport>()
  function* pairs(): Generator<Pair> {
    const random = new SeededRandom(seed)
    const open: { readonly deliveries: readonly JobResult[]; at: number }[] = []
    for (let made = 0; made < imports || open.length > 0;) {
      while (open.length < OPEN_IMPORTS && made < imports) {
        const id = `${idPrefix}${made}`
        const [deliveries, outcome] = importOf(id, 1 + random.below(jobsMax), random)
        expected.set(id, outcome)
        open.push({ deliveries, at: 0 })
        made += 1
      }
      const one = random.pick(open)
      const result = one.deliveries[one.at]!
      one.at += 1
      const isWrong = result.total !== undefined && result.total !== expected.get(result.batch)!.total
      yield [`${result.batch}:${result.index ?? 'total'}`, JSON.stringify(result), isWrong ? 1_000 : 2_000]
      if (one.at === one.deliveries.length) open.splice(open.indexOf(one), 1)
    }
  }
  return { expected, pairs }
}

/** Ends that are wrong, early, missing or one too many; events without start, and ids that are not unique. */
export async function wrongEvents(
  broker: Broker,
  expected: ReadonlyMap<string, ExpectedImport>,
  prefix = '',
): Promise<string[]> {
  const wrong: string[] = []
  const [started, ended, ids] = [new Set<string>(), new Map<string, string>(), new Set<string>()]
  for (const { key, value } of await readAll(broker, `${prefix}events`)) {
    const id = textOf(key)!
    const { type, eventId, succeeded, failed, total } = JSON.parse(textOf(value)!) as BatchEvent
    if (type === 'started' ? started.has(id) : !started.has(id)) wrong.push(`${id}: a start is out of place`)
    if (type === 'started') started.add(id)
    if (ended.has(id)) wrong.push(`${id}: ${type} after ${ended.get(id)}`)
    if (type !== 'progress' && ids.has(eventId)) wrong.push(`${eventId} twice`)
    ids.add(eventId)
    if (type !== 'started' && type !== 'progress')
      ended.set(id, JSON.stringify({ type, succeeded, failed, total }))
  }
  for (const [id, { type, succeeded, failed, total }] of expected) {
    const wanted = JSON.stringify({ type, succeeded, failed, total })
    if (ended.get(id) !== wanted) wrong.push(`${id}: ${ended.get(id) ?? 'no end'} in the place of ${wanted}`)
  }
  return wrong
}

/** What a plain counter has wrong: it says of an import that it is complete when others of it are missing. */
export async function wrongCounts(
  broker: Broker,
  expected: ReadonlyMap<string, ExpectedImport>,
  prefix = '',
): Promise<string[]> {
  const told = new Map<string, number>()
  for (const { key } of await readAll(broker, `${prefix}counted`))
    told.set(textOf(key)!, (told.get(textOf(key)!) ?? 0) + 1)
  return [...expected].flatMap(([id, { type }]) => {
    const times = told.get(id) ?? 0
    return times === (type === 'completed' ? 1 : 0) ? [] : [`${id}: ${type}, and told ${times} times`]
  })
}

/** Up to so many offsets, the ends of transactions among them are told apart from records. */
const FEW_OFFSETS = 1_000

/** Records of these topics that the application has not committed. */
export async function uncommitted(
  broker: Broker,
  admin: Admin,
  applicationId: string,
  topics: readonly string[],
): Promise<number> {
  const descriptions = await admin.describeTopics(topics)
  const partitions = topics.flatMap(topic =>
    Array.from({ length: descriptions.get(topic)?.partitionCount ?? 0 }, (_, partition) => ({
      topic,
      partition,
    })),
  )
  const ends = await admin.endOffsets(partitions, 'read_committed')
  const offsets = await admin.groupOffsets(applicationId, partitions)
  let sum = 0
  for (const place of partitions) {
    const name = partitionKey(place.topic, place.partition)
    const [offset, end] = [offsets.get(name)?.offset ?? 0, ends.get(name)!]
    sum += end - offset > FEW_OFFSETS ? end - offset : await recordsBetween(broker, { ...place, offset }, end)
  }
  return sum
}

async function recordsBetween(broker: Broker, from: TopicPartitionOffset, end: number): Promise<number> {
  if (from.offset >= end) return 0
  const consumer = await broker.consumer({ clientId: 'test-reader', isolation: 'read_committed' })
  consumer.assign([from])
  let count = 0
  while (consumer.position(from)! < end) {
    const batches = consumer.poll(1_000)
    for (const { records } of batches) for (const { offset } of records) if (offset < end) count += 1
    if (batches.length === 0) await consumer.ready(50)
  }
  await consumer.close()
  return count
}

/** Stores of the subject, whose changelogs must be empty when all is forgotten. */
export const GATHER_STORES = ['imports', 'imports-results', 'imports-timers']
