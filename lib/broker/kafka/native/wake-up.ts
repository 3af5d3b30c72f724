import type { Clock } from '../../../common/clock.ts'

/** What a consumer's `ready` waits for: the next `wake`, or its own timeout. Several calls may wait. */
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

  /** Resolves with true at the next `wake`, with false after the timeout. */
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
