import type { WebSocket } from 'ws'
import type { OutgoingMessage, Transport } from './transport.ts'

/** A client behind a WebSocket. */
export class SocketTransport implements Transport {
  readonly kind = 'websocket'
  onDrain: () => void = () => undefined
  onClose: () => void = () => undefined
  readonly #socket: WebSocket
  #isAlive = true

  constructor(socket: WebSocket) {
    this.#socket = socket
    socket.on('pong', () => (this.#isAlive = true))
    socket.on('close', () => this.onClose())
    // Its close event follows, which is what counts.
    socket.on('error', () => undefined)
  }

  get waitingBytes(): number {
    return this.#socket.bufferedAmount
  }

  send({ text }: OutgoingMessage): void {
    // A socket that has closed meanwhile tells the callback; its close event follows.
    this.#socket.send(text, () => this.onDrain())
  }

  beat(): boolean {
    if (!this.#isAlive) return false
    this.#isAlive = false
    this.#socket.ping(undefined, undefined, () => undefined)
    return true
  }

  close(code: number, reason: string): void {
    this.#socket.close(code, reason)
  }

  terminate(): void {
    this.#socket.terminate()
  }
}
