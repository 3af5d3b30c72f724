import { setImmediate } from 'node:timers/promises'
import type { Clock, Timer } from '../../lib/common/clock.ts'

interface Due {
  readonly dueMs: number
  readonly callback: () => void
}

/** Between two steps connections within this process bring what was written to them, there and back. */
const TURNS = 6
const STEP_MS = 25
/** What has not come by then does not come. */
const PASS_MS_MAX = 600_000

/**
 * A clock for code that also waits for sockets of its own process: time passes by steps, and between them the
 * event loop turns until what was written has arrived. So what is measured does not depend on how busy the
 * machine is.
 */
export class VirtualClock implements Clock {
  #nowMs = 1_000_000
  #timers: Due[] = []

  nowMs(): number {
    return this.#nowMs
  }

  monotonicMs(): number {
    return this.#nowMs
  }

  schedule(delayMs: number, callback: () => void): Timer {
    const timer = { dueMs: this.#nowMs + delayMs, callback }
    this.#timers.push(timer)
    return { cancel: () => (this.#timers = this.#timers.filter(each => each !== timer)) }
  }

  async sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return
    await new Promise<void>(resolve => {
      const over = () => {
        timer.cancel()
        signal?.removeEventListener('abort', over)
        resolve()
      }
      const timer = this.schedule(delayMs, over)
      signal?.addEventListener('abort', over)
    })
  }

  async nextTurn(): Promise<void> {
    await setImmediate()
  }

  /**
   * The event loop stands still: timers fire late, all in one turn, before anything that came meanwhile is
   * read.
   */
  stall(ms: number): void {
    this.#nowMs += ms
    this.#fire()
  }

  /**
   * Lets time pass until the promise is settled; resolves or rejects with it. Rejects after ten minutes of
   * this clock, too.
   */
  async passUntil<T>(promise: Promise<T>): Promise<T> {
    const endMs = this.#nowMs + PASS_MS_MAX
    const state = { isSettled: false }
    const settle = () => void (state.isSettled = true)
    promise.then(settle, settle)
    while (!state.isSettled) {
      if (this.#nowMs > endMs) throw new Error(`nothing has come of it within ${PASS_MS_MAX} ms`)
      await this.#step()
    }
    return promise
  }

  async #step(): Promise<void> {
    for (let turn = 0; turn < TURNS; turn += 1) await setImmediate()
    this.#nowMs += STEP_MS
    this.#fire()
  }

  #fire(): void {
    for (;;) {
      const due = this.#timers.filter(({ dueMs }) => dueMs <= this.#nowMs)
      const next = due.sort((left, right) => left.dueMs - right.dueMs)[0]
      if (!next) return
      this.#timers = this.#timers.filter(each => each !== next)
      next.callback()
    }
  }
}
