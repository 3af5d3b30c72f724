import type { TaskId } from '../common/ids.ts'
import type { Logger } from '../common/logger.ts'
import type { Metrics } from '../common/metrics/metrics.ts'
import type { RecordContext } from '../common/record-context.ts'
import type { Serde } from '../serde/serde.ts'
import type { StateStore, StoreBuilder } from '../store/contract/state-store.ts'
import type { Timers, TimerStore } from '../store/contract/timer-store.ts'
import type { Record } from './record.ts'

export type PunctuationType = 'stream-time' | 'wall-clock-time'

export interface PunctuationOptions {
  /** At least 1. */
  readonly intervalMs: number
  readonly type: PunctuationType
  /**
   * Ticks fall on `startMs + n × intervalMs`, in either kind of time; the first of them not before the call
   * (KIP-1146). Without it, those of wall-clock time are durations, which setting the clock does not change;
   * with it, after a clock was set, the next multiple by the new time.
   */
  readonly startMs?: number
}

/** One tick. */
export interface OneShotOptions {
  /**
   * Milliseconds since the epoch. What is past already ticks at once: by the next turn of the loop in
   * wall-clock time, which is the default, and with the next record in stream time.
   */
  readonly atMs: number
  readonly type?: PunctuationType
}

/** Called with the time of the punctuation, milliseconds since the epoch. Synchronous, as `process` is. */
export type Punctuator = (timestampMs: number) => void

/**
 * Called with the key of a timer and the time it was set for, which may be long past. Synchronous, as
 * `process` is. It may set timers again, that of its own key included. What it throws is for the
 * `processingErrorHandler`: with `continue` the timer is gone.
 */
export type TimerHandler<K> = (key: K, atMs: number) => void

export interface Cancellable {
  cancel(): void
}

export interface RecordMetadata {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

/** What a processor can do, and knows. */
export interface ProcessorContext<KOut = unknown, VOut = unknown> {
  readonly applicationId: string
  readonly taskId: TaskId
  readonly metrics: Metrics
  readonly logger: Logger
  /** The application's serdes for whatever names none: for processors that serialise by themselves. */
  readonly defaultKeySerde: Serde<unknown> | undefined
  readonly defaultValueSerde: Serde<unknown> | undefined

  /** Hands the record to all children, or to the named one: depth first, before it returns. */
  forward(record: Record<KOut, VOut>, childName?: string): void
  /**
   * By its name, or by its builder, which knows its types. Throws for a store that is not connected to this
   * node.
   */
  getStateStore<S extends StateStore>(store: string | StoreBuilder<S>): S
  /**
   * The callback fires once for an advance of time, however many intervals it skipped. Stream time: first
   * when the first record comes, aligned to multiples of the interval, unless there is a `startMs`. With
   * `atMs` it fires once. Neither survives the process, nor an abort: `init` schedules anew.
   */
  schedule(options: PunctuationOptions | OneShotOptions, callback: Punctuator): Cancellable
  /**
   * The timers of a store that is connected to this node (`stores.timers`), and what they call when they are
   * due: for `init`, once a store. They survive the process. That a timer fires, what its handler puts and
   * forwards, and that the timer is gone become true together: under exactly-once a timer fires once in what
   * is committed; under at-least-once it may fire again after a crash. Late ones fire as soon as their task
   * runs. Due is what the wall clock says: set forward, it fires timers early; set back, they wait.
   */
  timers<K>(store: string | StoreBuilder<TimerStore<K>>, handler: TimerHandler<K>): Timers<K>
  /** Where the record being processed came from; undefined in a punctuator. */
  recordMetadata(): RecordMetadata | undefined
  /** The whole of it, for operators that keep records for later. */
  recordContext(): RecordContext
  /** The highest timestamp this task has seen; -1 before the first record. */
  currentStreamTimeMs(): number
  currentSystemTimeMs(): number
  /** Asks for a commit after this record. */
  commit(): void
}
