import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { systemClock, type Clock, type Timer } from '../common/clock.ts'
import { ChannelTokens } from './channel-token.ts'
import { Connections, type Connection } from './connections.ts'
import { Doorway } from './doorway.ts'
import { checkNumbers, checkPath, type LiveHubOptions } from './hub-options.ts'
import { PushError } from './push-error.ts'
import { TRY_AGAIN_LATER, type Transport } from './transport.ts'

const DRAIN_MS = 5_000

/**
 * Tells every page that is open what has changed: of each key the newest message, as an array of
 * `[key, message]` pairs. Nothing is kept: a page that comes, or comes back, reads the present state by
 * itself.
 */
export class LiveHub implements AsyncDisposable {
  readonly #clock: Clock
  readonly #intervalMs: number
  readonly #keysMax: number
  readonly #connections: Connections
  readonly #pages = new Set<LivePage>()
  readonly #pending = new Map<string, unknown>()
  readonly #doorway: Doorway<undefined>
  #hasMore = false
  #flush: Timer | undefined
  #closing: Promise<void> | undefined

  constructor(options: LiveHubOptions = {}) {
    const { name = 'live', path = '/live', secret = false, clientsMax = 10_000 } = options
    const { intervalMs = 100, keysMax = 200, clientBytesMax = 1024 * 1024, heartbeatMs = 30_000 } = options
    const hub = `live hub "${name}"`
    checkNumbers(hub, { clientsMax, intervalMs, keysMax, clientBytesMax, heartbeatMs })
    const clock = options.clock ?? systemClock
    const tokens = secret === false ? undefined : new ChannelTokens(name, secret)
    this.#clock = clock
    this.#intervalMs = intervalMs
    this.#keysMax = keysMax
    this.#connections = new Connections(clock, heartbeatMs)
    this.#doorway = new Doorway({
      path: checkPath(hub, path),
      origins: options.origins,
      check: query => {
        tokens?.check(query.get('token'), name, clock.nowMs())
        if (!this.#closing && this.#pages.size < clientsMax) return undefined
        throw new PushError(503, 'NOT_AVAILABLE', 'no more pages are served now: try again')
      },
      serve: transport => this.#serve(transport, clientBytesMax),
      onRefused: () => undefined,
    })
  }

  /** Answers with server-sent events. */
  readonly fetch = (request: Request): Response => this.#doorway.fetch(request)

  /** Takes a WebSocket; `acceptUpgrades` calls it. Returns false where it is another path. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean {
    return this.#doorway.upgrade(request, socket, head)
  }

  /** Whether a page is open: else nobody need find out what to tell. */
  get hasListeners(): boolean {
    return this.#pages.size > 0
  }

  publish(key: string, message: unknown): void {
    if (!this.hasListeners) return
    // Anew at the end: the oldest are first.
    this.#pending.delete(key)
    this.#pending.set(key, message)
    if (this.#pending.size > this.#keysMax) {
      const [oldest] = this.#pending.keys()
      this.#pending.delete(oldest!)
      this.#hasMore = true
    }
    this.#flush ??= this.#clock.schedule(this.#intervalMs, () => this.#send())
  }

  /** Tells every page to come back later, and waits, `timeoutMs` at most. Idempotent. */
  close({ timeoutMs = DRAIN_MS }: { readonly timeoutMs?: number } = {}): Promise<void> {
    this.#flush?.cancel()
    this.#closing ??= this.#connections.close(timeoutMs)
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #serve(transport: Transport, bytesMax: number): void {
    const page = new LivePage(transport, bytesMax)
    this.#pages.add(page)
    this.#connections.add(page, transport, () => this.#pages.delete(page))
  }

  #send(): void {
    this.#flush = undefined
    // There was more than is told: the page reads what it shows anew.
    if (this.#hasMore) this.#pending.set('more', true)
    const text = JSON.stringify([...this.#pending])
    this.#pending.clear()
    this.#hasMore = false
    for (const page of [...this.#pages]) if (!page.send(text)) this.#pages.delete(page)
  }
}

export function liveHub(options: LiveHubOptions = {}): LiveHub {
  return new LiveHub(options)
}

class LivePage implements Connection {
  readonly #transport: Transport
  readonly #bytesMax: number

  constructor(transport: Transport, bytesMax: number) {
    this.#transport = transport
    this.#bytesMax = bytesMax
  }

  /** Returns false for a page that is too slow: it comes back, and reads everything anew. */
  send(text: string): boolean {
    if (this.#transport.waitingBytes > this.#bytesMax) {
      this.close(TRY_AGAIN_LATER, 'too slow')
      return false
    }
    this.#transport.send({ text })
    return true
  }

  beat(): void {
    if (!this.#transport.beat()) this.#transport.terminate()
  }

  close(code: number, reason: string): void {
    this.#transport.close(code, reason)
  }

  terminate(): void {
    this.#transport.terminate()
  }
}
