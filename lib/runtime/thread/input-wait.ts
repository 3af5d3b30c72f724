import type { Consumer } from '../../broker/broker.ts'
import type { Clock } from '../../common/clock.ts'

/**
 * The thread's wait for something to do: records, the end of an asynchronous call, or a restored task. Calls
 * may end thousands of times a second, so the wait for records is not begun anew each time: it goes on beside
 * the loop.
 */
export class InputWait {
  readonly #consumer: Consumer
  readonly #clock: Clock
  #ready: Promise<void> | undefined
  #isRung = false
  #wake: (() => void) | undefined

  constructor(consumer: Consumer, clock: Clock) {
    this.#consumer = consumer
    this.#clock = clock
  }

  /** Ends the wait, or the next one at once: there is something to do. */
  readonly ring = (): void => {
    this.#isRung = true
    this.#wake?.()
  }

  /** Waits. `mayRing`: whether something is under way whose end would ring. */
  async wait(timeoutMs: number, { mayRing }: { readonly mayRing: boolean }): Promise<void> {
    if (!mayRing && !this.#ready) return this.#consumer.ready(timeoutMs)
    if (!this.#isRung) await this.#readyOrRung(timeoutMs)
    this.#isRung = false
  }

  async #readyOrRung(timeoutMs: number): Promise<void> {
    this.#ready ??= this.#consumer.ready(timeoutMs).finally(() => (this.#ready = undefined))
    // A timer limits this wait, since the wait for records that goes on may be longer.
    const timer = this.#clock.schedule(timeoutMs, this.ring)
    const rung = new Promise<void>(resolve => (this.#wake = resolve))
    try {
      await Promise.race([this.#ready, rung])
    } finally {
      timer.cancel()
      this.#wake = undefined
    }
  }
}
