import type { Admin, Clock, KafkaStreams, Logger, ServiceContext, Timer, TopicPartition } from 'millrace'
import { TOPICS, VIEWS } from './topics.ts'

/** How old an answer may be. */
export interface Staleness {
  /**
   * Records of the topics that are not in the views of this process yet; null before the first measurement.
   */
  readonly recordsBehind: number | null
  /**
   * Everything that was published so many milliseconds ago is in the answer; null: not known yet. It grows
   * while anything on the way stands still.
   */
  readonly staleMs: number | null
  /** Age of the newest record that the views have taken since this process began; null: none yet. */
  readonly lastRecordAgeMs: number | null
}

const MEASURE_MS = 500
/** Further marks are left out while so many wait: the oldest tells how stale the views are. */
const MARKS_MAX = 200

type Offsets = ReadonlyMap<string, number>

/** What had been written at a time. */
interface Mark {
  readonly atMs: number
  readonly ends: Offsets
}

/**
 * Measures how far the views are behind `site-metadata`, over both steps: the projection, which may run in
 * other processes, and the copies of this one. What a topic held at a time is a mark; the views are as fresh
 * as the newest mark that has passed both steps.
 */
export class StalenessMonitor implements AsyncDisposable {
  readonly #streams: KafkaStreams
  readonly #admin: Admin
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #group: string
  readonly #source: readonly TopicPartition[]
  readonly #views: readonly TopicPartition[]
  readonly #subscription: { unsubscribe(): void }
  /** In order of time: not projected yet, and projected but not copied yet. */
  #projecting: readonly Mark[] = []
  #copying: readonly Mark[] = []
  #freshMs: number | undefined
  #recordsBehind: number | undefined
  #lastTimestamp: number | undefined
  #timer: Timer | undefined
  #measuring: Promise<void> | undefined
  #isClosed = false

  private constructor(
    streams: KafkaStreams,
    admin: Admin,
    { clock, logger, applicationId }: ServiceContext,
    partitions: { readonly source: readonly TopicPartition[]; readonly views: readonly TopicPartition[] },
  ) {
    this.#streams = streams
    this.#admin = admin
    this.#clock = clock
    this.#logger = logger
    this.#group = applicationId
    this.#source = partitions.source
    this.#views = partitions.views
    this.#subscription = streams.changes(VIEWS.sites).subscribe(({ timestamp }) => {
      this.#lastTimestamp = Math.max(this.#lastTimestamp ?? 0, timestamp)
    })
  }

  static async open(streams: KafkaStreams, context: ServiceContext): Promise<StalenessMonitor> {
    const admin = await context.broker.admin()
    const partitions = {
      source: await partitionsOf(admin, [TOPICS.metadata]),
      views: await partitionsOf(admin, [TOPICS.sites, TOPICS.apps]),
    }
    const monitor = new StalenessMonitor(streams, admin, context, partitions)
    await monitor.#round()
    return monitor
  }

  get now(): Staleness {
    const since = (ms: number | undefined) =>
      ms === undefined ? null : Math.max(0, this.#clock.nowMs() - ms)
    return {
      recordsBehind: this.#recordsBehind ?? null,
      staleMs: since(this.#freshMs),
      lastRecordAgeMs: since(this.#lastTimestamp),
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true
    this.#timer?.cancel()
    this.#subscription.unsubscribe()
    await this.#measuring
    await this.#admin.close()
  }

  async #round(): Promise<void> {
    try {
      await this.#measure()
    } catch (error) {
      // The answers go on, and say that they get older.
      this.#logger.log('debug', 'the staleness could not be measured', { error })
    }
    if (this.#isClosed) return
    this.#timer = this.#clock.schedule(MEASURE_MS, () => {
      this.#measuring = this.#round()
    })
  }

  async #measure(): Promise<void> {
    const atMs = this.#clock.nowMs()
    const ends = await this.#admin.endOffsets(this.#source, 'read_committed')
    if (this.#projecting.length < MARKS_MAX) this.#projecting = [...this.#projecting, { atMs, ends }]
    const projected = await this.#projected()
    const written = await this.#admin.endOffsets(this.#views, 'read_uncommitted')
    const passed = this.#projecting.findLast(mark => hasReached(projected, mark.ends))
    if (passed) {
      this.#projecting = this.#projecting.filter(mark => mark.atMs > passed.atMs)
      if (this.#copying.length < MARKS_MAX)
        this.#copying = [...this.#copying, { atMs: passed.atMs, ends: written }]
    }
    const copied = this.#copied()
    const fresh = this.#copying.findLast(mark => hasReached(copied, mark.ends))
    if (fresh) {
      this.#copying = this.#copying.filter(mark => mark.atMs > fresh.atMs)
      this.#freshMs = fresh.atMs
    }
    this.#recordsBehind = distance(projected, ends) + distance(copied, written)
  }

  async #projected(): Promise<Offsets> {
    const offsets = await this.#admin.groupOffsets(this.#group, this.#source)
    return new Map([...offsets].map(([key, { offset }]) => [key, offset]))
  }

  #copied(): Offsets {
    const positions = Object.values(VIEWS).flatMap(name => this.#streams.globalPositions(name))
    return new Map(positions.map(({ topic, partition, offset }) => [`${topic}-${partition}`, offset]))
  }
}

async function partitionsOf(admin: Admin, topics: readonly string[]): Promise<readonly TopicPartition[]> {
  const described = await admin.describeTopics(topics)
  return [...described.values()].flatMap(({ topic, partitionCount }) =>
    Array.from({ length: partitionCount }, (_, partition) => ({ topic, partition })),
  )
}

function hasReached(positions: Offsets, ends: Offsets): boolean {
  return [...ends].every(([key, end]) => (positions.get(key) ?? 0) >= end)
}

function distance(positions: Offsets, ends: Offsets): number {
  return [...ends].reduce((sum, [key, end]) => sum + Math.max(0, end - (positions.get(key) ?? 0)), 0)
}
