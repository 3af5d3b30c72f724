import type { Clock, Timer } from '../common/clock.ts'
import { GOING_AWAY, type Transport } from './transport.ts'

/** A client of a hub, as the hub sees it at the end. */
export interface Connection {
  beat(): void
  close(code: number, reason: string): void
  terminate(): void
}

/** Signs of life go out in so many parts, not to all at once. */
const PARTS = 16

/** All connections of a hub: gives them signs of life, and ends them. */
export class Connections {
  readonly #clock: Clock
  readonly #partMs: number
  readonly #parts: Map<Connection, Transport>[] = Array.from({ length: PARTS }, () => new Map())
  #next = 0
  #beats: Timer | undefined
  #empty: (() => void) | undefined

  constructor(clock: Clock, heartbeatMs: number) {
    this.#clock = clock
    this.#partMs = heartbeatMs / PARTS
  }

  get size(): number {
    return this.#parts.reduce((sum, { size }) => sum + size, 0)
  }

  count(kind: Transport['kind']): number {
    let count = 0
    for (const part of this.#parts)
      for (const transport of part.values()) if (transport.kind === kind) count += 1
    return count
  }

  /** `onClose`: called when the connection has ended. */
  add(connection: Connection, transport: Transport, onClose: () => void): void {
    const part = this.#parts[this.#next % PARTS]!
    this.#next += 1
    part.set(connection, transport)
    transport.onClose = () => {
      if (!part.delete(connection)) return
      onClose()
      if (this.size === 0) this.#allGone()
    }
    this.#beats ??= this.#scheduleBeat(0)
  }

  /** Tells every client to come back elsewhere, and waits for them, `timeoutMs` at most. */
  async close(timeoutMs: number): Promise<void> {
    const gone = new Promise<void>(resolve => (this.#empty = resolve))
    for (const connection of this.#all()) connection.close(GOING_AWAY, 'going away')
    if (this.size === 0) return this.#allGone()
    const timer = this.#clock.schedule(timeoutMs, () => {
      for (const connection of this.#all()) connection.terminate()
    })
    await gone
    timer.cancel()
  }

  /** Tells every client to come back, without waiting. */
  dismiss(reason: string): void {
    for (const connection of this.#all()) connection.close(GOING_AWAY, reason)
  }

  #all(): Connection[] {
    return this.#parts.flatMap(part => [...part.keys()])
  }

  #allGone(): void {
    this.#beats?.cancel()
    this.#beats = undefined
    this.#empty?.()
  }

  #scheduleBeat(part: number): Timer {
    const beat = () => {
      this.#beats = this.#scheduleBeat((part + 1) % PARTS)
      for (const connection of [...this.#parts[part]!.keys()]) connection.beat()
    }
    return this.#clock.schedule(this.#partMs, beat, { keepsAlive: false })
  }
}
