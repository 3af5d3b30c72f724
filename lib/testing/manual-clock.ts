import type { Clock, Timer } from '../common/clock.ts'

/** A clock that stands still until it is told to move: for tests and the test driver. */
export class ManualClock implements Clock {
  /** Time of the monotonic clock. */
  #nowMs: number
  /** From the monotonic clock to the wall clock. */
  #offsetMs = 0
  #timers: { dueMs: number; callback: () => void }[] = []

  constructor(startMs = 0) {
    this.#nowMs = startMs
  }

  nowMs(): number {
    return this.#nowMs + this.#offsetMs
  }

  monotonicMs(): number {
    return this.#nowMs
  }

  /** Sets the wall clock alone, forward or back (below 0), as an operator or NTP does: no time passes. */
  adjustWallClock(ms: number): void {
    this.#offsetMs += ms
  }

  /** Moves on, calling what falls due on the way, in order. */
  advance(ms: number): void {
    const endMs = this.#nowMs + ms
    for (;;) {
      const next = this.#timers.reduce<{ dueMs: number; callback: () => void } | undefined>(
        (first, timer) => (timer.dueMs <= endMs && (!first || timer.dueMs < first.dueMs) ? timer : first),
        undefined,
      )
      if (!next) break
      this.#timers = this.#timers.filter(timer => timer !== next)
      this.#nowMs = Math.max(this.#nowMs, next.dueMs)
      next.callback()
    }
    this.#nowMs = endMs
  }

  /** How long until the first timer is due; Infinity without any. */
  get waitMs(): number {
    let dueMs = Infinity
    for (const timer of this.#timers) dueMs = Math.min(dueMs, timer.dueMs)
    return Math.max(0, dueMs - this.#nowMs)
  }

  schedule(delayMs: number, callback: () => void): Timer {
    const timer = { dueMs: this.#nowMs + delayMs, callback }
    this.#timers.push(timer)
    return { cancel: () => (this.#timers = this.#timers.filter(other => other !== timer)) }
  }

  async sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return
    await new Promise<void>(resolve => {
      const timer = this.schedule(delayMs, resolve)
      signal?.addEventListener('abort', () => {
        timer.cancel()
        resolve()
      })
    })
  }

  async nextTurn(): Promise<void> {
    await Promise.resolve()
  }
}
