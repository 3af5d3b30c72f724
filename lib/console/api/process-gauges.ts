import { monitorEventLoopDelay, type IntervalHistogram } from 'node:perf_hooks'

export interface ProcessReading {
  readonly loop: { readonly delayP99Ms: number }
  readonly memory: { readonly rssBytes: number; readonly heapBytes: number }
}

const RESOLUTION_MS = 20

/** The event loop and the memory of this process, measured while somebody looks. */
export class ProcessGauges {
  #delay: IntervalHistogram | undefined

  start(): void {
    this.#delay ??= monitorEventLoopDelay({ resolution: RESOLUTION_MS })
    this.#delay.enable()
  }

  stop(): void {
    this.#delay?.disable()
    this.#delay = undefined
  }

  /** Of the time since the last reading. */
  read(): ProcessReading {
    const { rss, heapUsed } = process.memoryUsage()
    // The histogram measures from one look to the next, of which the resolution is wanted.
    const p99Ms = this.#delay && this.#delay.count > 0 ? this.#delay.percentile(99) / 1e6 - RESOLUTION_MS : 0
    this.#delay?.reset()
    return {
      loop: { delayP99Ms: Math.max(0, p99Ms) },
      memory: { rssBytes: rss, heapBytes: heapUsed },
    }
  }
}
