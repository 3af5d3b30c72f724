/** Lets a number of actions run at a time; the others wait in the order in which they came. */
export class Semaphore {
  #free: number
  readonly #waiting = new Set<() => void>()

  constructor(atOnce: number) {
    this.#free = atOnce
  }

  /** Runs the action when its turn comes. Rejects with the signal's reason where it aborts before. */
  async take<T>(signal: AbortSignal, action: () => Promise<T>): Promise<T> {
    await this.#turn(signal)
    try {
      return await action()
    } finally {
      this.#pass()
    }
  }

  async #turn(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (this.#free > 0) {
      this.#free -= 1
      return
    }
    await new Promise<void>((resolve, reject) => {
      const leave = () => {
        this.#waiting.delete(come)
        reject(signal.reason as Error)
      }
      const come = () => {
        signal.removeEventListener('abort', leave)
        resolve()
      }
      this.#waiting.add(come)
      signal.addEventListener('abort', leave, { once: true })
    })
  }

  #pass(): void {
    const [next] = this.#waiting
    if (next === undefined) {
      this.#free += 1
      return
    }
    this.#waiting.delete(next)
    next()
  }
}
