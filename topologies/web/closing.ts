type Close = () => void | Promise<void>

/**
 * What a service has opened, closed in the opposite order; a step that fails does not keep the others from
 * it.
 */
export class Closing implements AsyncDisposable {
  readonly #steps: Close[] = []

  add(close: Close): void {
    this.#steps.push(close)
  }

  use<T extends AsyncDisposable | Disposable>(opened: T): T {
    this.add(() =>
      Symbol.asyncDispose in opened
        ? Promise.resolve(opened[Symbol.asyncDispose]())
        : opened[Symbol.dispose](),
    )
    return opened
  }

  /** Rejects with the first failure, when all is done. */
  async [Symbol.asyncDispose](): Promise<void> {
    const failures: unknown[] = []
    for (let close = this.#steps.pop(); close; close = this.#steps.pop()) {
      try {
        await close()
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length > 0) throw failures[0]
  }

  /** Opens by `open`; where that fails, what it had opened is closed, and the failure is thrown. */
  async opening<T>(open: () => Promise<T>): Promise<T> {
    try {
      return await open()
    } catch (error) {
      await this[Symbol.asyncDispose]().catch(() => undefined)
      throw error
    }
  }
}
