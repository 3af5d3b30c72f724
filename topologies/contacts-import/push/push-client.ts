import type { WebSocket } from 'ws'
import type { PushEvent } from '../records.ts'

/** What may lie in a socket before it counts as slow. */
const BUFFERED_BYTES_MAX = 256 * 1024
const HELD_MAX = 1000
/** "Try again later": the browser comes back with the last number it saw. */
const TRY_AGAIN_LATER = 1013

/**
 * One browser on one channel. It gets every event behind `lastSeq` once, by rising number.
 *
 * Policy for a slow one: events are held; of an import's progress only the newest is, starts and completions
 * all are. When too many are held, the socket is closed, and the browser resumes where it was.
 */
export class PushClient {
  readonly #socket: WebSocket
  #lastSeq: number
  #held: PushEvent[] = []
  #isReplaying = true
  /** Whether it has answered since the last ping. */
  isAlive = true

  constructor(socket: WebSocket, lastSeq: number) {
    this.#socket = socket
    this.#lastSeq = lastSeq
    socket.on('pong', () => (this.isAlive = true))
  }

  /** Sends what happened before; what is offered meanwhile waits. */
  async replay(events: AsyncIterable<readonly [string, PushEvent]>): Promise<void> {
    for await (const [, event] of events) this.#send(event)
    this.#isReplaying = false
    this.#sendHeld()
  }

  offer(event: PushEvent): void {
    if (this.#isReplaying || this.#held.length > 0 || this.#isSlow) this.#hold(event)
    else this.#send(event)
  }

  /** Ends the connection if the last ping had no answer, else asks again. */
  checkAlive(): void {
    if (!this.isAlive) return this.#socket.terminate()
    this.isAlive = false
    this.#socket.ping()
  }

  close(code: number, reason: string): void {
    this.#socket.close(code, reason)
  }

  terminate(): void {
    this.#socket.terminate()
  }

  get #isSlow(): boolean {
    return this.#socket.bufferedAmount > BUFFERED_BYTES_MAX
  }

  #hold(event: PushEvent): void {
    if (event.type === 'progress') {
      this.#held = this.#held.filter(
        ({ type, importId }) => type !== 'progress' || importId !== event.importId,
      )
    }
    this.#held.push(event)
    if (this.#held.length <= HELD_MAX) return
    this.#held = []
    this.close(TRY_AGAIN_LATER, 'too slow')
  }

  #send(event: PushEvent): void {
    if (event.seq <= this.#lastSeq) return
    this.#lastSeq = event.seq
    // A socket that has closed meanwhile reports it to the callback; its close event follows.
    this.#socket.send(JSON.stringify(event), () => this.#sendHeld())
  }

  #sendHeld(): void {
    while (!this.#isReplaying && !this.#isSlow) {
      const event = this.#held.shift()
      if (event === undefined) return
      this.#send(event)
    }
  }
}
