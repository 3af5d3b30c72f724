/** What a stretch of work took: on the clock, and in processor time of all threads of this process. */
export interface Span {
  readonly seconds: number
  readonly cpuSeconds: number
}

/**
 * Times one stretch, from its making on. Processor time is what stays comparable on a machine that others use
 * as well.
 */
export class Stopwatch {
  readonly #startMs = performance.now()
  readonly #cpuStart = process.cpuUsage()

  span(): Span {
    const { user, system } = process.cpuUsage(this.#cpuStart)
    return { seconds: (performance.now() - this.#startMs) / 1000, cpuSeconds: (user + system) / 1e6 }
  }
}
