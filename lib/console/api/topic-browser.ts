import type { Admin, Broker, IsolationLevel, RawRecord, TopicPartition } from '../../broker/broker.ts'
import { readPartitions } from '../../broker/open/read-partitions.ts'
import type { Clock } from '../../common/clock.ts'
import { partitionKey } from '../../common/ids.ts'
import { badParameter, HttpError } from '../../http/http-error.ts'
import { cursorText, type BrowseQuery } from './browse-query.ts'
import type { RecordDecoder } from './record-decoder.ts'
import { isWanted, viewOf, type RecordView } from './record-view.ts'

export interface Browsed {
  readonly records: readonly RecordView[]
  /** For the next answer; null where there are no more. */
  readonly next: string | null
  readonly ends: readonly { readonly partition: number; readonly begin: number; readonly end: number }[]
  /** How many records were looked at. */
  readonly scanned: number
}

interface Range {
  readonly partition: number
  readonly from: number
  readonly to: number
}

interface Bounds {
  readonly partition: number
  readonly begin: number
  readonly end: number
}

/**
 * A question may look at so many records, or take so long; then it answers with what it has, and a cursor.
 */
const SCAN_MAX = 20_000
const SCAN_MS_MAX = 3_000

/** Reads records of topics for the page: a bounded number of them at a time, without a group. */
export class TopicBrowser {
  readonly #broker: Broker
  readonly #admin: Admin
  readonly #clock: Clock

  constructor({
    broker,
    admin,
    clock,
  }: {
    readonly broker: Broker
    readonly admin: Admin
    readonly clock: Clock
  }) {
    this.#broker = broker
    this.#admin = admin
    this.#clock = clock
  }

  /** Throws 404 `UNKNOWN_TOPIC`, and 400 for a partition that it has not got. */
  async partitionsOf(topic: string, wanted: number | undefined): Promise<readonly TopicPartition[]> {
    const found = (await this.#admin.describeTopics([topic])).get(topic)
    if (!found)
      throw new HttpError(404, 'UNKNOWN_TOPIC', `there is no topic ${JSON.stringify(topic.slice(0, 250))}`)
    const all = Array.from({ length: found.partitionCount }, (_, partition) => ({ topic, partition }))
    if (wanted === undefined) return all
    if (wanted < all.length) return [{ topic, partition: wanted }]
    throw badParameter('partition', `the topic has partitions 0 to ${all.length - 1}`)
  }

  async browse(topic: string, query: BrowseQuery, decoder: RecordDecoder): Promise<Browsed> {
    const partitions = await this.partitionsOf(topic, query.partition)
    const [begins, ends] = await Promise.all([
      this.#admin.beginningOffsets(partitions),
      this.#admin.endOffsets(partitions, query.isolation),
    ])
    const bounds = partitions.map(({ partition }) => {
      const key = partitionKey(topic, partition)
      return { partition, begin: begins.get(key) ?? 0, end: ends.get(key) ?? 0 }
    })
    const scan = new Scan(this.#clock)
    const read = async (ranges: readonly Range[]) => {
      const views: RecordView[] = []
      for await (const view of this.#read(topic, ranges, { ...query, decoder, scan }))
        if (isWanted(view, query.filter)) views.push(view)
      return views
    }
    try {
      const look = query.from === 'end' ? newest : onward
      const found = await look(bounds, query, { scan, read })
      return { ...found, ends: bounds, scanned: scan.count }
    } finally {
      scan.close()
    }
  }

  /** Records of the ranges; in uncommitted ones it says which are aborted, or not decided yet. */
  async *#read(
    topic: string,
    ranges: readonly Range[],
    around: { isolation: IsolationLevel; decoder: RecordDecoder; scan: Scan },
  ): AsyncGenerator<RecordView> {
    const { isolation, decoder, scan } = around
    const full = ranges.filter(({ from, to }) => from < to)
    if (full.length === 0) return
    const committed = isolation === 'read_uncommitted' ? await this.#committed(topic, full, scan) : undefined
    for await (const { partition, record } of this.#raw(topic, full, { isolation, scan })) {
      scan.count += 1
      const view = viewOf(partition, record, decoder)
      if (!committed || committed.offsets.has(`${partition} ${record.offset}`)) yield view
      else if (record.offset >= (committed.stable.get(partition) ?? 0)) yield { ...view, open: true }
      else yield { ...view, aborted: true }
    }
  }

  async #committed(topic: string, ranges: readonly Range[], scan: Scan) {
    const partitions = ranges.map(({ partition }) => ({ topic, partition }))
    const ends = await this.#admin.endOffsets(partitions, 'read_committed')
    const stable = new Map(
      partitions.map(({ partition }) => [partition, ends.get(partitionKey(topic, partition)) ?? 0]),
    )
    const cut = ranges.map(each => ({ ...each, to: Math.min(each.to, stable.get(each.partition) ?? 0) }))
    const offsets = new Set<string>()
    for await (const { partition, record } of this.#raw(topic, cut, { isolation: 'read_committed', scan }))
      offsets.add(`${partition} ${record.offset}`)
    return { offsets, stable }
  }

  async *#raw(
    topic: string,
    ranges: readonly Range[],
    { isolation, scan }: { readonly isolation: IsolationLevel; readonly scan: Scan },
  ): AsyncGenerator<{ readonly partition: number; readonly record: RawRecord }> {
    const full = ranges.filter(({ from, to }) => from < to)
    if (full.length === 0) return
    const batches = readPartitions(this.#broker, {
      clientId: 'millrace-console',
      isolation,
      starts: full.map(({ partition, from }) => ({ topic, partition, offset: from })),
      ends: new Map(full.map(({ partition, to }) => [partitionKey(topic, partition), to])),
      signal: scan.signal,
    })
    for await (const { partition, records } of batches)
      for (const record of records) yield { partition, record }
  }
}

/** How much a question has cost so far. */
class Scan {
  count = 0
  readonly #controller = new AbortController()
  readonly #timer

  constructor(clock: Clock) {
    this.#timer = clock.schedule(SCAN_MS_MAX, () => this.#controller.abort(), { keepsAlive: false })
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  get isOver(): boolean {
    return this.count >= SCAN_MAX || this.signal.aborted
  }

  close(): void {
    this.#timer.cancel()
  }
}

interface Around {
  readonly scan: Scan
  readonly read: (ranges: readonly Range[]) => Promise<RecordView[]>
}

type Found = Pick<Browsed, 'records' | 'next'>

/**
 * The newest records, backwards: the last ones of each partition, by their times. What of a partition was
 * read and is not among them is read again for the next answer.
 */
async function newest(bounds: readonly Bounds[], query: BrowseQuery, { scan, read }: Around): Promise<Found> {
  const { limit, cursor } = query
  let before = new Map(bounds.map(({ partition, end }) => [partition, cursor?.get(partition) ?? end]))
  const found: RecordView[] = []
  let step = Math.max(1, Math.ceil((limit * 2) / Math.max(1, bounds.length)))
  for (;;) {
    const ranges = bounds.map(({ partition, begin, end }) => {
      const to = Math.min(end, before.get(partition) ?? end)
      return { partition, from: Math.max(begin, to - step), to: Math.max(begin, to) }
    })
    if (ranges.every(({ from, to }) => from >= to)) break
    const views = await read(ranges)
    // What was cut short has holes; only whole rounds count.
    if (scan.signal.aborted) break
    found.push(...views)
    before = new Map(ranges.map(({ partition, from }) => [partition, from]))
    if (found.length >= limit || scan.isOver) break
    step = Math.min(step * 2, SCAN_MAX)
  }
  const { records, left } = merged(found, limit, -1)
  for (const [partition, offset] of left) before.set(partition, offset + 1)
  const isMore = bounds.some(({ partition, begin }) => (before.get(partition) ?? begin) > begin)
  return { records, next: isMore ? cursorText(before) : null }
}

/** Records from a place on, by their times within what is read at once. */
async function onward(bounds: readonly Bounds[], query: BrowseQuery, { scan, read }: Around): Promise<Found> {
  const { limit, cursor, from } = query
  const first = from === 'start' || from === 'end' ? 0 : from
  const at = new Map(
    bounds.map(({ partition, begin }) => [partition, Math.max(begin, cursor?.get(partition) ?? first)]),
  )
  const found: RecordView[] = []
  const step = Math.max(1, Math.ceil((limit * 2) / Math.max(1, bounds.length)))
  while (found.length < limit && !scan.isOver) {
    const ranges = bounds.map(({ partition, end }) => {
      const next = Math.min(end, at.get(partition) ?? 0)
      return { partition, from: next, to: Math.min(end, next + step) }
    })
    if (ranges.every(({ from: start, to }) => start >= to)) break
    const views = await read(ranges)
    if (scan.signal.aborted) break
    found.push(...views)
    for (const { partition, to } of ranges) at.set(partition, to)
  }
  const { records, left } = merged(found, limit, 1)
  for (const [partition, offset] of left) at.set(partition, offset)
  const isMore = bounds.some(({ partition, end }) => (at.get(partition) ?? end) < end)
  return { records, next: isMore ? cursorText(at) : null }
}

/**
 * The first `limit` records, by their times, though within a partition by their offsets: so that those left
 * lie behind the others, and an answer can go on there. `left`: the first of them in each partition.
 */
function merged(views: readonly RecordView[], limit: number, direction: 1 | -1) {
  const queues = new Map<number, RecordView[]>()
  for (const view of views) {
    const queue = queues.get(view.partition)
    if (queue) queue.push(view)
    else queues.set(view.partition, [view])
  }
  // From the end, which is where the next one is taken.
  for (const queue of queues.values()) queue.sort((a, b) => direction * (b.offset - a.offset))
  const records: RecordView[] = []
  while (records.length < limit) {
    const heads = [...queues.values()].flatMap(queue => queue.at(-1) ?? [])
    const [first, ...others] = heads
    if (!first) break
    const next = others.reduce(
      (best, head) => (direction * (head.timestampMs - best.timestampMs) < 0 ? head : best),
      first,
    )
    records.push(next)
    queues.get(next.partition)?.pop()
  }
  const left = [...queues.values()].flatMap(queue => queue.at(-1) ?? [])
  return { records, left: new Map(left.map(({ partition, offset }) => [partition, offset])) }
}
