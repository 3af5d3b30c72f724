import type { Clock, Timer } from '../../common/clock.ts'
import { errorFrom } from '../../common/errors/errors.ts'
import type { Logger } from '../../common/logger.ts'
import { EventStream } from './event-stream.ts'

export interface TickerOptions {
  /** Name of the events. */
  readonly event: string
  /** Computed once a tick, for all who listen. */
  readonly read: () => Promise<object>
  /** Called when the first comes, and when the last has gone. */
  readonly onListened?: (isListenedTo: boolean) => void
  readonly clock: Clock
  readonly logger: Logger
  readonly stop: AbortSignal
  readonly everyMs?: number
}

const EVERY_MS = 1_000

/** One reading each second for all who listen, and none where nobody does. */
export class Ticker {
  readonly #options: TickerOptions
  readonly #streams = new Set<EventStream>()
  #timer: Timer | undefined
  #isReading = false

  constructor(options: TickerOptions) {
    this.#options = options
  }

  listen(): Response {
    const { clock, stop, onListened } = this.#options
    const stream: EventStream = new EventStream({ clock, stop, onClose: () => this.#leave(stream) })
    if (stop.aborted) return stream.response
    this.#streams.add(stream)
    if (this.#streams.size === 1) onListened?.(true)
    this.#next(0)
    return stream.response
  }

  #leave(stream: EventStream): void {
    if (!this.#streams.delete(stream) || this.#streams.size > 0) return
    this.#timer?.cancel()
    this.#timer = undefined
    this.#options.onListened?.(false)
  }

  #next(delayMs: number): void {
    this.#timer?.cancel()
    this.#timer = this.#options.clock.schedule(delayMs, () => void this.#tick(), { keepsAlive: false })
  }

  async #tick(): Promise<void> {
    // A broker that does not answer must not be asked again meanwhile.
    if (this.#isReading) return
    this.#isReading = true
    const { event, read, everyMs = EVERY_MS } = this.#options
    try {
      const reading = await read()
      // A client that is behind gets the next one.
      for (const stream of this.#streams) if (!stream.isBehind) stream.send(event, reading)
    } catch (reason) {
      const error = errorFrom(reason)
      this.#options.logger.log('debug', `the console cannot read "${event}" now: ${error.message}`, { error })
    } finally {
      this.#isReading = false
      if (this.#streams.size > 0) this.#next(everyMs)
    }
  }
}
