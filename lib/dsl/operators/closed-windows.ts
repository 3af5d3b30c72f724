import type { OperatorContext } from '../../processor/operator-context.ts'
import type { OperatorStreamTime } from './operator-stream-time.ts'

/**
 * When to look for windows that have closed (`on-window-close`), and from where: each window is sent once, across commits and restarts. Looking
 * is throttled by the wall clock, since it reads a range of the store.
 */
export class ClosedWindows {
  readonly #context: OperatorContext
  #nextLookMs = 0
  /** The close time of the last look; -1: none yet. */
  lastMs: number

  constructor(context: OperatorContext, storeName: string) {
    this.#context = context
    this.lastMs = context.committedTimeMs(storeName) ?? -1
    context.keepTime(storeName, () => this.lastMs, { ifRoom: false })
  }

  /** What was sent is closed for good, even where only the close time was kept (by the JVM original). `graceMs`: from stream time to close time. */
  raise(streamTime: OperatorStreamTime, graceMs: number): void {
    if (this.lastMs >= 0) streamTime.reach(this.lastMs + graceMs)
  }

  /** Windows that end before the close time are closed. To be asked once a record. */
  isDue(closeMs: number): boolean {
    const nowMs = this.#context.currentSystemTimeMs()
    if (nowMs < this.#nextLookMs) return false
    this.#nextLookMs = nowMs + this.#context.emitIntervalMs
    return this.lastMs < closeMs
  }
}
