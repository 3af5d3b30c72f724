import type { OperatorContext } from '../../processor/operator-context.ts'
import type { ExpiringStore } from '../../store/contract/window-store.ts'
import { finalEmits, type FinalEmits } from '../kit/emit-metrics.ts'
import type { OperatorStreamTime } from '../kit/operator-stream-time.ts'

/** Times of a store's entries, both included: starts of windows, ends of sessions. */
export interface ClosedRange {
  readonly fromMs: number
  readonly toMs: number
}

/** How an operator's windows close, and how their results are sent. */
export interface Closing<R> {
  readonly store: ExpiringStore
  readonly streamTime: OperatorStreamTime
  /** Time between stream time and the close time. */
  readonly closeAfterMs: number
  /** Time by which an entry must be before the close time to be closed. */
  readonly ageMs: number
  /** Sends the store's results in the range. `cause`: the record that closed it. */
  send(cause: R, range: ClosedRange): void
  /** Whether the range is certainly empty, and need not be read. */
  isEmpty?(range: ClosedRange): boolean
}

/**
 * Results of windows that have closed (`on-window-close`): each is sent once, across commits and restarts.
 * Looking is throttled by the wall clock, since it reads a range of the store; but what retention is about to
 * end is sent before it is gone, however far stream time jumps.
 */
export class ClosedWindows<R> {
  readonly #context: OperatorContext
  readonly #closing: Closing<R>
  readonly #emits: FinalEmits | undefined
  #nextLookMs = -Infinity
  /** The close time of the last look; -1: none yet. */
  #lastMs: number
  #cause: R | undefined

  constructor(context: OperatorContext, id: string, closing: Closing<R>) {
    this.#context = context
    this.#closing = closing
    this.#emits = finalEmits(context)
    this.#lastMs = context.committedTimeMs(id) ?? -1
    context.keepTime(id, () => this.#lastMs, { ifRoom: false })
    const { store, streamTime, closeAfterMs } = closing
    // Windows that were sent are closed for good, even where only the close time was kept (by Kafka Streams).
    if (this.#lastMs >= 0) streamTime.reach(this.#lastMs + closeAfterMs)
    store.setExpiryListener(throughMs => {
      const isSent = throughMs < this.#lastMs - closing.ageMs
      if (!isSent && this.#cause !== undefined) this.#send(this.#cause)
    })
  }

  /** Called before a record changes the store, which may close windows already. */
  begin(cause: R): void {
    this.#cause = cause
  }

  /** Called after each record: looks for closed windows, if it is time to. */
  maybeSend(cause: R): void {
    const nowMs = this.#context.clock.monotonicMs()
    if (nowMs < this.#nextLookMs) return
    this.#nextLookMs = nowMs + this.#context.emitIntervalMs
    this.#send(cause)
  }

  #send(cause: R): void {
    const { streamTime, closeAfterMs, ageMs } = this.#closing
    const closeMs = streamTime.currentMs - closeAfterMs
    const lastMs = this.#lastMs
    const range = { fromMs: Math.max(0, lastMs - ageMs), toMs: closeMs - ageMs - 1 }
    if (range.toMs < range.fromMs || (lastMs >= 0 && this.#closing.isEmpty?.(range))) return
    this.#lastMs = closeMs
    const startMs = this.#emits ? this.#context.clock.monotonicMs() : 0
    try {
      this.#closing.send(cause, range)
      this.#emits?.count.add()
      this.#emits?.latency.record(this.#context.clock.monotonicMs() - startMs)
    } catch (reason) {
      this.#lastMs = lastMs
      throw reason
    }
  }
}
