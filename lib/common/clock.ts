import { setImmediate } from 'node:timers/promises'

/**
 * The longest time for which a timer of the platform is set: beyond 2^31 − 1 ms, 24.8 days, it fires at once.
 * An hour, so that time in which a machine was suspended is soon made up for.
 */
const HOP_MS = 3_600_000

/** A scheduled call that can be cancelled. */
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
  /**
   * Calls once after `delayMs`, which may be years; keeps the process alive until then, unless told not to.
   */
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
    const dueMs = performance.now() + delayMs
    let timer: NodeJS.Timeout
    const hop = (leftMs: number) => {
      timer =
        leftMs > HOP_MS
          ? setTimeout(() => hop(dueMs - performance.now()), HOP_MS)
          : setTimeout(callback, leftMs)
      if (!keepsAlive) timer.unref()
    }
    hop(delayMs)
    return { cancel: () => clearTimeout(timer) }
  },
  async sleep(delayMs, signal) {
    if (signal?.aborted) return
    await new Promise<void>(resolve => {
      const timer = systemClock.schedule(delayMs, () => {
        signal?.removeEventListener('abort', wake)
        resolve()
      })
      const wake = () => {
        timer.cancel()
        resolve()
      }
      signal?.addEventListener('abort', wake, { once: true })
    })
  },
  async nextTurn() {
    await setImmediate()
  },
}
