import type { Clock } from '../../../common/clock.ts'

/**
 * What a consumer's `ready` waits on. Several may wait; each is woken by the next `wake` or by its own
 * timeout.
 */
export class WakeUp {
  readonly #clock: Clock
  #waiting: (() => void)[] = []

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get awaited(): boolean {
    return this.#waiting.length > 0
  }

  wake(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const wake of waiting) wake()
  }

  /** True if woken, false after the timeout. */
  wait(timeoutMs: number): Promise<boolean> {
    return new Promise(resolve => {
      const woken = () => {
        timer.cancel()
        resolve(true)
      }
      const timer = this.#clock.schedule(timeoutMs, () => {
        this.#waiting = this.#waiting.filter(each => each !== woken)
        resolve(false)
      })
      this.#waiting.push(woken)
    })
  }
}
