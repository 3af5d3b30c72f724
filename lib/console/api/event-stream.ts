import { Buffer } from 'node:buffer'
import type { Clock, Timer } from '../../common/clock.ts'
import { jsonText } from '../../http/json-text.ts'

export interface EventStreamOptions {
  readonly clock: Clock
  /** Ends the stream: the process closes. */
  readonly stop: AbortSignal
  /** Called once, when nobody reads any more. */
  readonly onClose: () => void
  readonly heartbeatMs?: number
}

const HEARTBEAT_MS = 15_000
const WAITING_BYTES_MAX = 4 * 1024 * 1024
const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  // A proxy that holds events back would make the page stand still.
  'x-accel-buffering': 'no',
}

/**
 * Server-sent events for one client. Who sends looks at `isBehind` first, and leaves out or merges what a
 * client that does not read would have to catch up with; one that is megabytes behind is let go.
 */
export class EventStream {
  readonly response: Response
  readonly #options: EventStreamOptions
  #waiting: Uint8Array[] = []
  #waitingBytes = 0
  #wake: (() => void) | undefined
  #isClosed = false
  #heartbeat: Timer | undefined
  readonly #stopped = () => this.close()

  constructor(options: EventStreamOptions) {
    this.#options = options
    const body = new ReadableStream<Uint8Array>(
      { pull: controller => this.#pull(controller), cancel: () => this.close() },
      { highWaterMark: 0 },
    )
    this.response = new Response(body, { headers: HEADERS })
    options.stop.addEventListener('abort', this.#stopped)
    // The headers go out with the first bytes.
    this.#push(': open\n\n')
    this.#beat()
    if (options.stop.aborted) this.close()
  }

  /** Whether something that was sent has not been read yet. */
  get isBehind(): boolean {
    return this.#waitingBytes > 0
  }

  send(event: string, data: unknown): void {
    this.#push(`event: ${event}\ndata: ${jsonText(data)}\n\n`)
  }

  /** What waits may still be read. Idempotent. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#heartbeat?.cancel()
    this.#options.stop.removeEventListener('abort', this.#stopped)
    this.#wake?.()
    this.#options.onClose()
  }

  #push(text: string): void {
    if (this.#isClosed) return
    const bytes = Buffer.from(text)
    this.#waiting.push(bytes)
    this.#waitingBytes += bytes.length
    this.#wake?.()
    if (this.#waitingBytes > WAITING_BYTES_MAX) this.close()
  }

  #beat(): void {
    const { clock, heartbeatMs = HEARTBEAT_MS } = this.#options
    const beat = () => {
      if (!this.isBehind) this.#push(': still here\n\n')
      this.#beat()
    }
    this.#heartbeat = clock.schedule(heartbeatMs, beat, { keepsAlive: false })
  }

  async #pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    if (this.#waiting.length === 0 && !this.#isClosed) {
      await new Promise<void>(resolve => (this.#wake = resolve))
      this.#wake = undefined
    }
    const all = this.#waiting
    this.#waiting = []
    this.#waitingBytes = 0
    if (all.length > 0) controller.enqueue(Buffer.concat(all))
    if (this.#isClosed) controller.close()
  }
}
