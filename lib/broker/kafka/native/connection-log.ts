import type { Clock } from '../../../common/clock.ts'
import type { Logger } from '../../../common/logger.ts'
import type { NativeError } from './native-client.ts'

const WARN_AGAIN_MS = 30_000
/** What the client says of credentials and of TLS, without its code. */
const REFUSALS: ReadonlyMap<string, number> = new Map([
  ['authentication failure', -169],
  ['ssl error', -181],
])

/**
 * What librdkafka says about connections, for all clients of one broker object. A broker that is down makes
 * every client repeat itself each second; of one message only the first in half a minute is a warning.
 */
export class ConnectionLog {
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #warnedAtMs = new Map<string, number>()
  #last = ''
  #lastRefusal: NativeError | undefined

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock
    this.#logger = logger
  }

  /** The last thing heard, for the message of a connection that could not be made; empty if nothing was. */
  get last(): string {
    return this.#last
  }

  /**
   * The last word about credentials or certificates, behind which others come: that all brokers are down, for
   * one.
   */
  get lastRefusal(): NativeError | undefined {
    return this.#lastRefusal
  }

  /**
   * A connection is being made: what was refused before it, under other circumstances, says nothing of it.
   */
  forgetRefusal(): void {
    this.#lastRefusal = undefined
  }

  watch(client: {
    on(event: 'event.error', listener: (error: NativeError) => void): void
    on(event: 'error', listener: (error: Error) => void): void
  }): void {
    client.on('event.error', error => {
      const code = REFUSALS.get(error.message.toLowerCase())
      if (code !== undefined) this.#lastRefusal = Object.assign(new Error(error.message), { code })
      this.notify(error.message)
    })
    // Emitted for a failed OAuth token; without a listener it would end the process.
    client.on('error', error => this.notify(error.message))
  }

  notify(message: string): void {
    this.#last = message
    const nowMs = this.#clock.monotonicMs()
    // Without the parts that differ from one report to the next: clients, durations, counters.
    const kind = message.replace(/\d+/g, '')
    const warnedAtMs = this.#warnedAtMs.get(kind)
    const warn = warnedAtMs === undefined || nowMs - warnedAtMs >= WARN_AGAIN_MS
    if (warn) this.#warnedAtMs.set(kind, nowMs)
    this.#logger.log(warn ? 'warn' : 'debug', `Kafka client: ${message}`)
  }
}
