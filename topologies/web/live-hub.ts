import type { Clock, Timer } from 'millrace'
import type { WebSocket } from 'ws'
import { acceptUpgrades, type Upgrade } from './accept-upgrades.ts'

/** What happened in this time goes out together. */
const FLUSH_MS = 100
/**
 * More keys than that in one go are too many to look at: the oldest are left out, and the page is told that
 * there was more.
 */
const KEYS_MAX = 200
const HEARTBEAT_MS = 30_000
/**
 * What may lie in a socket before its browser counts as too slow; it comes back and reads everything anew.
 */
const BUFFERED_BYTES_MAX = 1024 * 1024
const GOING_AWAY = 1001
const TRY_AGAIN_LATER = 1013

/**
 * Tells every page that is open what has changed, over WebSockets at `/live`: of each key the newest message,
 * as an array of `[key, message]` pairs. A page that comes, or comes back, reads the present state by itself.
 */
export class LiveHub {
  /** Takes the sockets of pages. */
  readonly upgrade: Upgrade
  readonly #clock: Clock
  readonly #sockets = new Map<WebSocket, { isAlive: boolean }>()
  readonly #pending = new Map<string, unknown>()
  #flush: Timer | undefined
  #heartbeat: Timer

  constructor(clock: Clock) {
    this.#clock = clock
    this.#heartbeat = this.#scheduleHeartbeat()
    this.upgrade = acceptUpgrades({
      path: '/live',
      check: () => undefined,
      serve: socket => this.#serve(socket),
    })
  }

  /** Whether a page is open. */
  get hasListeners(): boolean {
    return this.#sockets.size > 0
  }

  publish(key: string, message: unknown): void {
    if (!this.hasListeners) return
    // Anew at the end: the oldest are first.
    this.#pending.delete(key)
    this.#pending.set(key, message)
    if (this.#pending.size > KEYS_MAX) {
      const [oldest] = this.#pending.keys()
      if (oldest !== undefined) this.#pending.delete(oldest)
      this.#pending.set('more', true)
    }
    this.#flush ??= this.#clock.schedule(FLUSH_MS, () => this.#send())
  }

  /** Tells every page to come back later. */
  close(): void {
    this.#flush?.cancel()
    this.#heartbeat.cancel()
    for (const socket of this.#sockets.keys()) socket.close(GOING_AWAY, 'going away')
  }

  /** For those that did not answer the farewell. */
  terminateAll(): void {
    for (const socket of this.#sockets.keys()) socket.terminate()
  }

  #serve(socket: WebSocket): void {
    const state = { isAlive: true }
    this.#sockets.set(socket, state)
    socket.on('pong', () => (state.isAlive = true))
    socket.on('close', () => this.#sockets.delete(socket))
    // Its close event follows.
    socket.on('error', () => undefined)
  }

  #send(): void {
    this.#flush = undefined
    const text = JSON.stringify([...this.#pending])
    this.#pending.clear()
    for (const socket of this.#sockets.keys()) {
      if (socket.bufferedAmount > BUFFERED_BYTES_MAX) socket.close(TRY_AGAIN_LATER, 'too slow')
      else socket.send(text, () => undefined)
    }
  }

  #scheduleHeartbeat(): Timer {
    return this.#clock.schedule(HEARTBEAT_MS, () => {
      for (const [socket, state] of this.#sockets) {
        if (!state.isAlive) socket.terminate()
        state.isAlive = false
        socket.ping()
      }
      this.#heartbeat = this.#scheduleHeartbeat()
    })
  }
}
