import type { Clock } from '../../common/clock.ts'
import type { Meter } from '../../common/metrics/meter.ts'
import { type Counter, type Distribution } from '../../common/metrics/meter.ts'
import { METRIC_GROUPS, type MetricGroup, type Metrics } from '../../common/metrics/metrics.ts'

const { thread: THREAD, restore: RESTORE, own: OWN } = METRIC_GROUPS

/** Measures of one of the calls of a thread's loop: number, duration, and share of the time. */
export class PhaseMetrics {
  readonly count: Counter
  readonly #latency: Distribution
  readonly #spent: Meter

  constructor(metrics: Metrics, phase: string, tags: { readonly [tag: string]: string }) {
    this.count = metrics.meter(phase, tags, THREAD)
    this.#latency = metrics.distribution(`${phase}-latency`, tags, THREAD, { latency: true })
    this.#spent = metrics.meter(`${phase}-time-ms`, tags, OWN) as Meter
    const clock = metrics.clock
    metrics.gauge(`${phase}-ratio`, tags, () => this.spentRate(clock.monotonicMs()) / 1000, THREAD)
  }

  /** Milliseconds spent per second, over the window. */
  spentRate(nowMs: number): number {
    return this.#spent.rate(nowMs)
  }

  /** Counts `times` calls that took so many milliseconds altogether. */
  took(elapsedMs: number, times = 1): void {
    this.count.value += times
    this.spent(elapsedMs, times)
  }

  /** Adds the time of calls that were counted already. */
  spent(elapsedMs: number, times: number): void {
    this.#latency.record(elapsedMs / times)
    this.#spent.value += elapsedMs
  }
}

/**
 * Measures of a thread: Kafka Streams' `stream-thread-metrics`. Later runs of a thread of the same name go on
 * with them.
 */
export class ThreadMetrics {
  readonly poll: PhaseMetrics
  readonly process: PhaseMetrics
  readonly punctuate: PhaseMetrics
  readonly commit: PhaseMetrics
  readonly tasksCreated: Counter
  readonly tasksClosed: Counter
  readonly restoredRecords: Counter
  readonly restoreCalls: Counter
  readonly aborts: Counter
  readonly #metrics: Metrics
  readonly #clock: Clock
  readonly #tags: { readonly 'thread-id': string }
  readonly #polled: Distribution
  readonly #processed: Distribution
  readonly #blockedNs: Counter

  constructor(metrics: Metrics, clock: Clock, clientId: string) {
    const tags = { 'thread-id': threadId(clientId) }
    this.#metrics = metrics
    this.#clock = clock
    this.#tags = tags
    this.poll = new PhaseMetrics(metrics, 'poll', tags)
    this.process = new PhaseMetrics(metrics, 'process', tags)
    this.punctuate = new PhaseMetrics(metrics, 'punctuate', tags)
    this.commit = new PhaseMetrics(metrics, 'commit', tags)
    this.tasksCreated = metrics.meter('task-created', tags, THREAD)
    this.tasksClosed = metrics.meter('task-closed', tags, THREAD)
    this.restoredRecords = metrics.meter('restore-records', tags, RESTORE)
    this.restoreCalls = metrics.meter('restore-call', tags, RESTORE)
    this.aborts = metrics.counter('abort-total', {}, OWN)
    this.#polled = metrics.distribution('poll-records', tags, THREAD)
    this.#processed = metrics.distribution('process-records', tags, THREAD)
    this.#blockedNs = metrics.counter('blocked-time-ns-total', tags, THREAD)
    const startedMs = clock.nowMs()
    metrics.gauge('thread-start-time', tags, () => startedMs, THREAD)
  }

  /** Registers a gauge of this run: states and tasks are asked for when somebody reads it. */
  watch(name: string, read: () => number, group: MetricGroup = THREAD): void {
    this.#metrics.gauge(name, this.#tags, read, group)
  }

  polled(records: number, elapsedMs: number): void {
    this.poll.took(elapsedMs)
    this.#polled.record(records)
  }

  /**
   * Adds the time of a turn of the loop, whose records were counted already: as in Kafka Streams, the latency
   * is the mean of one record.
   */
  processed(records: number, elapsedMs: number): void {
    if (records === 0) return
    this.process.spent(elapsedMs, records)
    this.#processed.record(records)
  }

  /** Measures the time for which the loop stands still. */
  async blocked<T>(work: Promise<T>): Promise<T> {
    const startMs = this.#clock.monotonicMs()
    try {
      return await work
    } finally {
      this.#blockedNs.value += Math.round((this.#clock.monotonicMs() - startMs) * 1e6)
    }
  }
}

/**
 * Tag of the thread. A process of this library has one thread, so it is numbered as Kafka Streams numbers the
 * first.
 */
function threadId(clientId: string): string {
  return `${clientId}-StreamThread-1`
}
