import type { Counter } from '../../common/metrics/meter.ts'
import { operatorContext } from '../../processor/operator-context.ts'
import type { ProcessorContext } from '../../processor/processor-context.ts'
import type { Processor } from '../../processor/processor.ts'
import { Record } from '../../processor/record.ts'
import type { JoinSide } from '../../store/operator/unmatched-key.ts'
import type { UnmatchedRecords, WaitTimes } from '../../store/operator/unmatched-records.ts'
import type { WindowStore } from '../../store/contract/window-store.ts'
import type { Joiner } from '../options/functions.ts'
import { droppedRecords } from '../kit/dropped-records.ts'

type AnyJoiner = Joiner<unknown, unknown, unknown, unknown>

/** Settings of one side of a join of streams. */
export interface StreamJoinSideSettings {
  readonly side: JoinSide
  /** The joiner, which takes the left value first, whichever side this is. */
  readonly joiner: AnyJoiner
  /** Milliseconds before and after a record of this side in which its matches may lie. */
  readonly beforeMs: number
  readonly afterMs: number
  readonly graceMs: number
  /** Whether records of this side without match have results, too. */
  readonly outer: boolean
  /** Name of the store with the other side's records. */
  readonly otherStore: string
  /** Name of the store in which records of both sides wait for a match; undefined in an inner join. */
  readonly unmatchedStore: string | undefined
}

/**
 * Joins each record of one side with the other side's records within the window. In left and outer joins, a
 * record without match waits, and is joined with null when the join's stream time is past its window and
 * grace. Stream time is that of both sides, and advances with the next record, whatever its key.
 */
export class StreamJoinSide implements Processor {
  readonly #settings: StreamJoinSideSettings
  readonly #isLeft: boolean
  readonly #waits: WaitTimes
  readonly #ownWaitMs: number
  #context!: ProcessorContext
  #others!: WindowStore<unknown, unknown>
  #unmatched: UnmatchedRecords | undefined
  #dropped!: Counter
  /** The record being processed. Results of waiting records have its headers. */
  #record!: Record<unknown, unknown>

  constructor(settings: StreamJoinSideSettings) {
    const { side, beforeMs, afterMs, graceMs } = settings
    this.#settings = settings
    this.#isLeft = side === 'left'
    this.#ownWaitMs = afterMs + graceMs
    const otherWaitMs = beforeMs + graceMs
    this.#waits = this.#isLeft
      ? { leftMs: this.#ownWaitMs, rightMs: otherWaitMs }
      : { leftMs: otherWaitMs, rightMs: this.#ownWaitMs }
  }

  init(context: ProcessorContext): void {
    const { otherStore, unmatchedStore } = this.#settings
    this.#context = context
    this.#dropped = droppedRecords(context)
    this.#others = context.getStateStore(otherStore)
    if (unmatchedStore !== undefined) this.#waitIn(context, unmatchedStore)
  }

  process(record: Record<unknown, unknown>): void {
    const { key, value, timestamp } = record
    const unmatched = this.#unmatched
    unmatched?.advance(timestamp)
    if (key === null && value !== null && this.#settings.outer) return this.#forwardAlone(record)
    if (key === null || value === null) return this.#dropped.add()
    if (unmatched && timestamp === unmatched.streamTimeMs) {
      this.#record = record
      unmatched.emitClosed(this.#ownWaitMs, this.#waits, this.#emit)
    }
    const toMs = lastMs(timestamp + this.#settings.afterMs)
    const hadMatch = this.#joinMatches(record, toMs)
    if (hadMatch || !this.#settings.outer || !unmatched) return
    // A record too late to wait is joined with null at once: whatever could match has come, or may yet come
    // late and match then.
    if (toMs < unmatched.streamTimeMs) this.#forwardAlone(record)
    else unmatched.add(this.#settings.side, key, timestamp, value)
  }

  #joinMatches(record: Record<unknown, unknown>, toMs: number): boolean {
    const { key, value, timestamp, headerList } = record
    const { joiner, beforeMs } = this.#settings
    const fromMs = Math.max(0, timestamp - beforeMs)
    let hadMatch = false
    for (const [otherMs, other] of this.#others.fetch(key, { fromMs, toMs })) {
      hadMatch = true
      this.#unmatched?.remove(this.#isLeft ? 'right' : 'left', key, otherMs)
      const joined = this.#isLeft ? joiner(value, other, key) : joiner(other, value, key)
      this.#context.forward(new Record(key, joined, Math.max(timestamp, otherMs), headerList))
    }
    return hadMatch
  }

  #forwardAlone(record: Record<unknown, unknown>): void {
    const { key, value } = record
    const { joiner } = this.#settings
    this.#context.forward(
      record.withValue(this.#isLeft ? joiner(value, null, key) : joiner(null, value, key)),
    )
  }

  readonly #emit = (side: JoinSide, value: unknown, key: unknown, timestampMs: number): void => {
    const { joiner } = this.#settings
    const joined = side === 'left' ? joiner(value, null, key) : joiner(null, value, key)
    this.#context.forward(new Record(key, joined, timestampMs, this.#record.headerList))
  }

  /**
   * Opens the store of unmatched records. The left side keeps stream time, which is the join's, for both
   * sides.
   */
  #waitIn(context: ProcessorContext, storeName: string): void {
    const unmatched = context.getStateStore<UnmatchedRecords>(storeName)
    this.#unmatched = unmatched
    if (!this.#isLeft) return
    const name = `${storeName}-stream-time`
    const operator = operatorContext(context)
    unmatched.advance(operator.committedTimeMs(name) ?? -1)
    operator.keepTime(name, () => unmatched.streamTimeMs, { ifRoom: true })
  }
}

/**
 * The end of a span of time, at most the last time: times near 2^53 have no gaps up to there, and no record
 * is later.
 */
export function lastMs(timeMs: number): number {
  return Math.min(Math.max(0, timeMs), Number.MAX_SAFE_INTEGER)
}
