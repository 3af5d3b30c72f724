import { Buffer } from 'node:buffer'
import type { OutgoingMessage, Transport } from './transport.ts'

/** Time after which a browser comes back by itself. */
const RETRY_MS = 1_000

/** A client that reads server-sent events: the body of an answer. */
export class SseTransport implements Transport {
  readonly kind = 'sse'
  readonly body: ReadableStream<Uint8Array>
  onDrain: () => void = () => undefined
  onClose: () => void = () => undefined
  #waiting: Uint8Array[] = []
  #waitingBytes = 0
  #isEnded = false
  /** Wakes a client that has read all there is. */
  #wake: (() => void) | undefined

  constructor() {
    this.body = new ReadableStream<Uint8Array>(
      { pull: controller => this.#pull(controller), cancel: () => this.#end() },
      { highWaterMark: 0 },
    )
    this.#write(`retry: ${RETRY_MS}\n\n`)
  }

  get waitingBytes(): number {
    return this.#waitingBytes
  }

  send({ text, seq }: OutgoingMessage): void {
    // JSON has no line breaks but escaped ones, so that one line is all of it.
    this.#write(`${seq === undefined ? '' : `id: ${seq}\n`}data: ${text}\n\n`)
  }

  /** The connection itself tells whether the client is there. One that has not read needs no sign of life. */
  beat(): boolean {
    if (this.#waitingBytes === 0) this.#write(': still here\n\n')
    return true
  }

  close(code: number, reason: string): void {
    this.#write(`event: closing\ndata: ${JSON.stringify({ code, reason })}\n\n`)
    this.#end()
  }

  /** What waits is not sent any more. */
  terminate(): void {
    this.#waiting = []
    this.#waitingBytes = 0
    this.#end()
  }

  #write(text: string): void {
    if (this.#isEnded) return
    const bytes = Buffer.from(text)
    this.#waiting.push(bytes)
    this.#waitingBytes += bytes.length
    this.#wake?.()
  }

  #end(): void {
    if (this.#isEnded) return
    this.#isEnded = true
    this.#wake?.()
    this.onClose()
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
    else this.onDrain()
  }
}
