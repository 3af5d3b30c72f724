import { Buffer } from 'node:buffer'
import type { Subscription } from 'rxjs'
import type { Clock, Timer } from '../common/clock.ts'
import { errorFrom } from '../common/errors/errors.ts'
import type { Windowed } from '../common/windowed.ts'
import type { Logger } from '../common/logger.ts'
import type { KafkaStreams } from '../streams/kafka-streams.ts'
import type { StreamsState } from '../streams/streams-state.ts'
import type { StoreChange } from '../streams/store-changes.ts'
import { jsonText } from './json-text.ts'

export interface ChangeStreamOptions {
  readonly streams: KafkaStreams
  readonly storeName: string
  /** Its keys are in windows, or sessions. */
  readonly isWindowed: boolean
  readonly bytesMax: number
  readonly heartbeatMs: number
  readonly clock: Clock
  readonly logger: Logger
  /** Ends the stream: the server closes. */
  readonly stop: AbortSignal
}

const ENDING: readonly StreamsState[] = ['pending-shutdown', 'not-running', 'pending-error', 'error']

export function isEnding(state: StreamsState): boolean {
  return ENDING.includes(state)
}

/**
 * A store's changes as server-sent events, for one client. Events wait here while the client does not read:
 * up to `bytesMax`, and always one. With more, those that wait are dropped and an event `overflow` ends the
 * stream, since a gap in silence would leave the client wrong for ever. `end` tells that the application or
 * the server closes.
 */
export class ChangeStream {
  readonly body: ReadableStream<Uint8Array>
  readonly #options: ChangeStreamOptions
  #waiting: Uint8Array[] = []
  #waitingBytes = 0
  /** Wakes a client that has read all there is. */
  #wake: (() => void) | undefined
  #isEnded = false
  #subscription: Subscription | undefined
  #unwatch: () => void
  #heartbeat: Timer | undefined
  readonly #stopped = () => this.#end('end', { reason: 'the server closes' })

  /** Throws what subscribing throws, as `SERDE_MISSING`. */
  constructor(options: ChangeStreamOptions) {
    this.#options = options
    const { streams, storeName, stop } = options
    const changes = streams.changes<unknown, unknown>(storeName)
    this.#unwatch = streams.onStateChange(state => {
      if (isEnding(state)) this.#end('end', { reason: `the application is in state ${state}` })
    })
    stop.addEventListener('abort', this.#stopped)
    this.#push(eventText('open', { store: storeName, state: streams.state }))
    this.#subscription = changes.subscribe({
      next: change => this.#tell(change),
      error: (error: unknown) => this.#fail(error),
    })
    this.#beat()
    this.body = new ReadableStream<Uint8Array>(
      { pull: controller => this.#pull(controller), cancel: () => this.#letGo() },
      { highWaterMark: 0 },
    )
  }

  #tell(change: StoreChange<unknown, unknown>): void {
    // What is thrown here would be nobody's: the observer stands in the commit.
    try {
      this.#push(eventText('change', this.#options.isWindowed ? flat(change) : change))
    } catch (error) {
      this.#fail(error)
    }
  }

  #fail(reason: unknown): void {
    const error = errorFrom(reason)
    const { logger, storeName } = this.#options
    logger.log('error', `changes of store "${storeName}" cannot be told: ${error.message}`, { error })
    this.#end('error', {
      code: 'INTERNAL',
      message: 'a change cannot be told; the log of the application says why',
    })
  }

  #push(text: string): void {
    if (this.#isEnded) return
    const bytes = Buffer.from(text)
    const { bytesMax } = this.#options
    if (this.#waiting.length > 0 && this.#waitingBytes + bytes.length > bytesMax) return this.#overflow()
    this.#waiting.push(bytes)
    this.#waitingBytes += bytes.length
    this.#wake?.()
  }

  #overflow(): void {
    this.#waiting = []
    this.#end('overflow', {
      code: 'CLIENT_TOO_SLOW',
      message: `more than ${this.#options.bytesMax} bytes of changes waited for this client; some are lost: read the store, and open /changes anew`,
    })
  }

  #end(event: string, data: object): void {
    if (this.#isEnded) return
    this.#letGo()
    this.#waiting.push(Buffer.from(eventText(event, data)))
    this.#wake?.()
  }

  /** Nothing comes any more; what waits may still be read. */
  #letGo(): void {
    this.#isEnded = true
    this.#subscription?.unsubscribe()
    this.#unwatch()
    this.#heartbeat?.cancel()
    this.#options.stop.removeEventListener('abort', this.#stopped)
  }

  #beat(): void {
    const { clock, heartbeatMs } = this.#options
    const beat = () => {
      // A client that has not read what there is needs no sign of life.
      if (this.#waiting.length === 0) this.#push(': still here\n\n')
      this.#beat()
    }
    this.#heartbeat = clock.schedule(heartbeatMs, beat, { keepsAlive: false })
  }

  /** All that waits at once: memory is freed as soon as the client reads. */
  async #pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    if (this.#waiting.length === 0 && !this.#isEnded) {
      await new Promise<void>(resolve => (this.#wake = resolve))
      this.#wake = undefined
    }
    const all = this.#waiting
    this.#waiting = []
    this.#waitingBytes = 0
    if (all.length > 0) controller.enqueue(Buffer.concat(all))
    if (this.#isEnded) controller.close()
  }
}

/** Changes of windows and sessions have the fields that their routes answer with. */
function flat({ key, ...change }: StoreChange<unknown, unknown>): object {
  const { key: inner, window } = key as Windowed<unknown>
  return { key: inner, start: window.startMs, end: window.endMs, ...change }
}

function eventText(event: string, data: unknown): string {
  // JSON has no line breaks but escaped ones, so that one line is all of it.
  return `event: ${event}\ndata: ${jsonText(data)}\n\n`
}
