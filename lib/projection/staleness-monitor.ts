import type { Admin, Broker, TopicPartition, TopicPartitionOffset } from '../broker/broker.ts'
import { AdminOnDemand } from '../broker/open/admin-on-demand.ts'
import { systemClock, type Clock, type Timer } from '../common/clock.ts'
import { ConfigError, StreamsError } from '../common/errors/errors.ts'
import { partitionKey } from '../common/ids.ts'
import { consoleLogger, type Logger } from '../common/logger.ts'
import type { KafkaStreams } from '../streams/kafka-streams.ts'
import { distanceOf, Mark, offsetsOf, type Offsets, type Progress } from './freshness.ts'

export interface StalenessOptions {
  /** The store that is read. */
  readonly storeName: string
  /** The application's own. */
  readonly broker: Broker
  /** Milliseconds between two measurements while nobody waits. Default 500. */
  readonly measureMs?: number
  readonly clock?: Clock
  readonly logger?: Logger
}

/** How old an answer may be. */
export interface Staleness {
  /**
   * Everything that was in the source topics so many milliseconds ago is in the answer; null: not known yet.
   * It grows while anything on the way stands still.
   */
  readonly staleMs: number | null
  /**
   * Offsets of all topics on the way that are not in the view of this process yet; null before the first
   * measurement. Markers of transactions count.
   */
  readonly recordsBehind: number | null
}

export interface ReachedOptions {
  /** Default 5,000. */
  readonly timeoutMs?: number
}

const MEASURE_MS = 500
/** Between two measurements while somebody waits. */
const HASTE_MS = 10
const TIMEOUT_MS = 5_000
const MARKS_MAX = 200

interface Waiter {
  readonly mark: Mark
  readonly settle: (hasArrived: boolean) => void
}

/**
 * Measures how far a store of this process is behind the topics that it comes of, over all steps, which may
 * run in other processes: what the topics held at a time is a mark, and the store is as fresh as the newest
 * mark that has passed all steps.
 */
export class StalenessMonitor implements AsyncDisposable {
  readonly #streams: KafkaStreams
  readonly #storeName: string
  readonly #admin: AdminOnDemand
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #measureMs: number
  /** Topics that lead to the store, step by step. */
  readonly #steps: readonly (readonly string[])[]
  #partitions: readonly (readonly TopicPartition[])[] | undefined
  /** In order of time. */
  #marks: readonly Mark[] = []
  readonly #waiters = new Set<Waiter>()
  #freshMs: number | undefined
  #recordsBehind: number | undefined
  #timer: Timer | undefined
  #measuring: Promise<void> | undefined
  #isClosed = false

  private constructor(
    streams: KafkaStreams,
    steps: readonly (readonly string[])[],
    options: StalenessOptions,
  ) {
    const { storeName, broker, measureMs = MEASURE_MS } = options
    const { clock = systemClock, logger = consoleLogger() } = options
    this.#streams = streams
    this.#steps = steps
    this.#storeName = storeName
    this.#admin = new AdminOnDemand(broker)
    this.#clock = clock
    this.#logger = logger
    this.#measureMs = measureMs
  }

  /**
   * Resolves after a first measurement. Throws `UNKNOWN_STORE`, and `STALENESS_UNKNOWN` for a store that no
   * topic leads to.
   */
  static async open(streams: KafkaStreams, options: StalenessOptions): Promise<StalenessMonitor> {
    const { inputs } = streams.describeStore(options.storeName)
    if (inputs.length === 0) {
      throw new ConfigError(
        'STALENESS_UNKNOWN',
        `store "${options.storeName}" is not filled from topics whose names are known: its staleness cannot be measured`,
      )
    }
    const monitor = new StalenessMonitor(streams, inputs, options)
    monitor.#measuring = monitor.#round()
    await monitor.#measuring
    return monitor
  }

  get now(): Staleness {
    const freshMs = this.#freshMs
    return {
      staleMs: freshMs === undefined ? null : Math.max(0, this.#clock.nowMs() - freshMs),
      recordsBehind: this.#recordsBehind ?? null,
    }
  }

  /**
   * Resolves when the store shows what the record at this offset has led to, in the parts that this process
   * has: read your own write with what writing it gave you. Rejects with `STALE` where that takes longer than
   * `timeoutMs`, with `NOT_AN_INPUT` for another topic than those that lead to the store, and with `CLOSED`.
   */
  async reached(
    position: TopicPartitionOffset,
    { timeoutMs = TIMEOUT_MS }: ReachedOptions = {},
  ): Promise<void> {
    const { topic, partition, offset } = position
    const step = this.#steps.findIndex(topics => topics.includes(topic))
    if (step < 0) {
      throw new StreamsError(
        'NOT_AN_INPUT',
        `topic "${topic}" does not lead to store "${this.#storeName}"; these do: ${this.#steps.flat().join(', ')}`,
      )
    }
    const mark = new Mark(0, step, new Map([[partitionKey(topic, partition), offset + 1]]))
    await this.#shows(mark, timeoutMs, `offset ${offset} of ${topic}-${partition}`)
  }

  /**
   * Resolves when the store shows what everything that the source topics hold at the call has led to. Rejects
   * as `reached`.
   */
  async caughtUp({ timeoutMs = TIMEOUT_MS }: ReachedOptions = {}): Promise<void> {
    if (this.#isClosed) throw closed()
    const [source] = (this.#partitions ??= await this.#describe())
    const ends = await (await this.#admin.get()).endOffsets(source!, 'read_committed')
    await this.#shows(new Mark(0, 0, ends), timeoutMs, 'what its topics held')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true
    this.#timer?.cancel()
    for (const { settle } of this.#waiters) settle(false)
    await this.#measuring
    await this.#admin.close()
  }

  async #shows(mark: Mark, timeoutMs: number, what: string): Promise<void> {
    if (this.#isClosed) throw closed()
    const over = new AbortController()
    const hasArrived = await Promise.race([
      this.#arrival(mark, over.signal),
      this.#clock.sleep(timeoutMs, over.signal).then(() => false),
    ]).finally(() => over.abort())
    if (hasArrived) return
    if (this.#isClosed) throw closed()
    throw new StreamsError(
      'STALE',
      `store "${this.#storeName}" does not show ${what} after ${timeoutMs} ms: ask again, or read without waiting`,
    )
  }

  /** Resolves with whether the mark has arrived: it has not where the signal aborts first, or this closes. */
  #arrival(mark: Mark, signal: AbortSignal): Promise<boolean> {
    return new Promise(resolve => {
      const waiter = { mark, settle: resolve }
      this.#waiters.add(waiter)
      signal.addEventListener('abort', () => {
        this.#waiters.delete(waiter)
        resolve(false)
      })
      this.#hurry()
    })
  }

  /** Measures soon, unless that is under way: then it goes on at once for those who wait. */
  #hurry(): void {
    if (!this.#timer || this.#isClosed) return
    this.#timer.cancel()
    this.#schedule(0)
  }

  #schedule(delayMs: number): void {
    const measure = () => {
      this.#timer = undefined
      this.#measuring = this.#round()
    }
    this.#timer = this.#clock.schedule(delayMs, measure, { keepsAlive: false })
  }

  async #round(): Promise<void> {
    try {
      await this.#measure()
    } catch (error) {
      // The answers go on, and say that they get older.
      this.#logger.log('debug', `the staleness of store "${this.#storeName}" could not be measured`, {
        error,
      })
    }
    if (!this.#isClosed) this.#schedule(this.#waiters.size > 0 ? HASTE_MS : this.#measureMs)
  }

  async #measure(): Promise<void> {
    const atMs = this.#clock.nowMs()
    const { progress, source } = await this.#progress()
    const isDue = atMs >= (this.#marks.at(-1)?.atMs ?? -Infinity) + this.#measureMs
    if (isDue || this.#marks.length === 0) this.#marks = [...thinned(this.#marks), new Mark(atMs, 0, source)]
    const fresh = this.#marks.findLast(mark => mark.hasArrived(progress))
    if (fresh) {
      this.#freshMs = Math.max(this.#freshMs ?? 0, fresh.atMs)
      this.#marks = this.#marks.filter(({ atMs: markMs }) => markMs > fresh.atMs)
    }
    this.#recordsBehind = distanceOf(progress)
    for (const waiter of this.#waiters) if (waiter.mark.hasArrived(progress)) waiter.settle(true)
  }

  /** `source`: the ends of the first step, which are a mark's. */
  async #progress(): Promise<{ readonly progress: Progress; readonly source: Offsets }> {
    const admin = await this.#admin.get()
    const partitions = (this.#partitions ??= await this.#describe())
    const group = this.#streams.applicationId
    const source = await admin.endOffsets(partitions[0]!, 'read_committed')
    const before = partitions.slice(0, -1)
    const committed = await committedOffsets(admin, group, before.flat())
    const behind = partitions.slice(1).flat()
    const ends =
      behind.length > 0 ? await admin.endOffsets(behind, 'read_uncommitted') : new Map<string, number>()
    const { positions } = this.#streams.describeStore(this.#storeName)
    const shown = new Map(
      positions.map(({ topic, partition, offset }) => [partitionKey(topic, partition), offset]),
    )
    const progress = {
      committed: before.map(each => offsetsOf(committed, each)),
      ends: partitions.map((each, step) => (step === 0 ? source : offsetsOf(ends, each))),
      shown,
      isWhole: shown.size >= partitions.at(-1)!.length,
    }
    return { progress, source }
  }

  async #describe(): Promise<readonly (readonly TopicPartition[])[]> {
    const described = await (await this.#admin.get()).describeTopics(this.#steps.flat())
    return this.#steps.map(topics =>
      topics.flatMap(topic => {
        const partitionCount = described.get(topic)?.partitionCount
        if (partitionCount === undefined)
          throw new StreamsError('TOPIC_MISSING', `topic "${topic}" does not exist yet`)
        return Array.from({ length: partitionCount }, (_, partition) => ({ topic, partition }))
      }),
    )
  }
}

/** What lies before a partition's beginning is gone: nobody has to commit it. */
async function committedOffsets(
  admin: Admin,
  group: string,
  partitions: readonly TopicPartition[],
): Promise<Offsets> {
  if (partitions.length === 0) return new Map()
  const offsets = await admin.groupOffsets(group, partitions)
  const missing = partitions.filter(({ topic, partition }) => !offsets.has(partitionKey(topic, partition)))
  const beginnings = missing.length > 0 ? await admin.beginningOffsets(missing) : []
  return new Map([...beginnings, ...[...offsets].map(([key, { offset }]) => [key, offset] as const)])
}

/** Every second one, where there are too many: the oldest and the newest tell most. */
function thinned(marks: readonly Mark[]): readonly Mark[] {
  return marks.length < MARKS_MAX ? marks : marks.filter((_, at) => at % 2 === 0)
}

function closed(): StreamsError {
  return new StreamsError('CLOSED', 'the staleness monitor is closed')
}
