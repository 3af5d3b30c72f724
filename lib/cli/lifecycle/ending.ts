/**
 * Why and when a run ends: whoever notices a reason says so here, and everybody waits on the one signal. The
 * first error counts; an error after a request to stop is still one.
 */
export class Ending {
  readonly #controller = new AbortController()
  #error: Error | undefined

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  get hasFailed(): boolean {
    return this.#error !== undefined
  }

  stop(): void {
    this.#controller.abort()
  }

  fail(error: Error): void {
    this.#error ??= error
    this.#controller.abort()
  }

  /** Resolves when there is a reason to end. */
  async reached(): Promise<void> {
    if (this.signal.aborted) return
    await new Promise<void>(resolve => this.signal.addEventListener('abort', () => resolve(), { once: true }))
  }

  throwIfFailed(): void {
    if (this.#error) throw this.#error
  }

  /** The work, which may be given up when the end comes first: then undefined. */
  async unlessEnded<T>(work: Promise<T>): Promise<T | undefined> {
    return Promise.race([work, this.reached().then(() => undefined)])
  }
}
