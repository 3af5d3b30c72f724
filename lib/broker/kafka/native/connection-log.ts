import type { Clock } from '../../../common/clock.ts'
import type { Logger } from '../../../common/logger.ts'
import type { NativeError } from './native-client.ts'

const WARN_AGAIN_MS = 30_000
/** Messages about credentials and TLS, which the native client reports without a code, and their codes. */
const REFUSALS: ReadonlyMap<string, number> = new Map([
  ['authentication failure', -169],
  ['ssl error', -181],
])

/**
 * Logs librdkafka's messages about connections, for all clients of a broker object. While a broker is down,
 * each client repeats its message every second: only the first of 30 s is a warning, others are debug output.
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

  /** The last message, for the error of a connection that failed; empty before the first. */
  get last(): string {
    return this.#last
  }

  /**
   * The last refusal of credentials or certificates; later messages, as that all brokers are down, hide it.
   */
  get lastRefusal(): NativeError | undefined {
    return this.#lastRefusal
  }

  /** To be called before a connection is opened, whose error must not be an earlier refusal. */
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
    // Without numbers, in which messages of one kind differ: clients, durations, counters.
    const kind = message.replace(/\d+/g, '')
    const warnedAtMs = this.#warnedAtMs.get(kind)
    const warn = warnedAtMs === undefined || nowMs - warnedAtMs >= WARN_AGAIN_MS
    if (warn) this.#warnedAtMs.set(kind, nowMs)
    this.#logger.log(warn ? 'warn' : 'debug', `Kafka client: ${message}`)
  }
}
