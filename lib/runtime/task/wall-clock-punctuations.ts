import type { Clock } from '../../common/clock.ts'
import type {
  Cancellable,
  OneShotOptions,
  PunctuationOptions,
  Punctuator,
} from '../../processor/processor-context.ts'
import { anchoredTicks, onceAt, PunctuationQueue, runDue, type RunPunctuator } from './punctuation-queue.ts'

/**
 * The wall-clock punctuators of one task. Intervals are durations and run on the monotonic clock: setting the
 * wall clock neither stops them nor makes them tick. Only ticks with an anchor are times of the wall clock.
 */
export class WallClockPunctuations {
  readonly #clock: Clock
  readonly #intervals = new PunctuationQueue('wall-clock-time')
  readonly #anchored = new PunctuationQueue('wall-clock-time', this.#intervals)

  constructor(clock: Clock) {
    this.#clock = clock
  }

  schedule(
    node: string,
    options: PunctuationOptions | Required<OneShotOptions>,
    callback: Punctuator,
  ): Cancellable {
    if ('atMs' in options) return this.#anchored.schedule(node, onceAt(options.atMs), callback)
    const { intervalMs, startMs } = options
    if (startMs === undefined) {
      const firstMs = this.#clock.monotonicMs() + intervalMs
      return this.#intervals.schedule(node, { firstMs, intervalMs }, callback)
    }
    return this.#anchored.schedule(node, anchoredTicks(startMs, intervalMs, this.#clock.nowMs()), callback)
  }

  /** Time until the next punctuator is due; Infinity without any. */
  get waitMs(): number {
    let waitMs = Infinity
    if (!this.#intervals.isEmpty) waitMs = this.#intervals.nextMs - this.#clock.monotonicMs()
    if (this.#anchored.isEmpty) return waitMs
    const nowMs = this.#clock.nowMs()
    this.#anchored.realign(nowMs)
    return Math.min(waitMs, this.#anchored.nextMs - nowMs)
  }

  /**
   * Calls `run` with the wall-clock time for each punctuator that is due, once. Returns whether there was
   * one.
   */
  maybePunctuate(run: RunPunctuator): boolean {
    if (this.waitMs > 0) return false
    const nowMs = this.#clock.nowMs()
    const due = [...this.#intervals.due(this.#clock.monotonicMs()), ...this.#anchored.due(nowMs)]
    runDue(due, nowMs, run)
    this.#anchored.forgetDone()
    return due.length > 0
  }

  clear(): void {
    this.#intervals.clear()
    this.#anchored.clear()
  }
}
