import { setImmediate, setTimeout as sleepFor } from 'node:timers/promises'

/** Something scheduled that can be taken back. */
export interface Timer {
  cancel(): void
}

/**
 * Time as the rest of the library sees it. This file alone touches `Date` and timers, so that tests and the
 * simulator can put a manual clock in its place.
 */
export interface Clock {
  /** Wall-clock time, milliseconds since the epoch. */
  nowMs(): number
  /** Milliseconds, with a fraction, of a clock that never goes back: for durations only. */
  monotonicMs(): number
  /** Calls once after `delayMs`; keeps the process alive until then, unless told not to. */
  schedule(delayMs: number, callback: () => void, options?: { readonly keepsAlive?: boolean }): Timer
  /** Resolves after `delayMs`, or at once when the signal aborts; never rejects. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>
  /** Resolves in the next turn of the event loop, after pending I/O. */
  nextTurn(): Promise<void>
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  schedule(delayMs, callback, { keepsAlive = true } = {}) {
    const timer = setTimeout(callback, delayMs)
    if (!keepsAlive) timer.unref()
    return { cancel: () => clearTimeout(timer) }
  },
  async sleep(delayMs, signal) {
    if (signal?.aborted) return
    // An abort ends the wait early, which is what the caller asked for and no error.
    await sleepFor(delayMs, undefined, signal ? { signal } : {}).catch(() => undefined)
  },
  async nextTurn() {
    await setImmediate()
  },
}
