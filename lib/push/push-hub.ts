import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Subscription } from 'rxjs'
import { systemClock, type Clock } from '../common/clock.ts'
import { ConfigError } from '../common/errors/errors.ts'
import { consoleLogger, type Logger } from '../common/logger.ts'
import { channelOfPushKey, pushKey, pushLogName, type PushEvent } from '../dsl/push/push-event.ts'
import type { KafkaStreams } from '../streams/kafka-streams.ts'
import type { StreamsState } from '../streams/streams-state.ts'
import { channelOrThrow, ChannelTokens } from './channel-token.ts'
import { Connections } from './connections.ts'
import { Doorway } from './doorway.ts'
import { checkNumbers, checkPath, type PushHubOptions } from './hub-options.ts'
import { PushClient, type SlowLimits } from './push-client.ts'
import { PushError } from './push-error.ts'
import { pushMetrics, type PushMetrics } from './push-metrics.ts'
import { GOING_AWAY, type Transport } from './transport.ts'

const DAY_MS = 24 * 3_600_000
const DRAIN_MS = 5_000
const ENDING: readonly StreamsState[] = ['pending-shutdown', 'not-running', 'pending-error', 'error']

interface Asked {
  readonly channel: string
  readonly lastSeq: number
}

/**
 * Brings the events of `toChannels` to the clients of this process, from its own copy of the log: any process
 * serves any channel, and a client that comes back to another one goes on there. Nothing is polled: an event
 * goes out when the log's commit has shown it.
 */
export class PushHub implements AsyncDisposable {
  readonly #streams: KafkaStreams
  readonly #name: string
  readonly #tokens: ChannelTokens | undefined
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #limits: SlowLimits
  readonly #clientsMax: number
  readonly #metrics: PushMetrics
  readonly #connections: Connections
  readonly #channels = new Map<string, Set<PushClient>>()
  readonly #doorway: Doorway<Asked>
  readonly #unwatch: () => void
  #changes: Subscription | undefined
  #closing: Promise<void> | undefined

  constructor(streams: KafkaStreams, options: PushHubOptions) {
    const { name, secret, path = '/push', clientsMax = 10_000, heartbeatMs = 30_000 } = options
    const { clientBytesMax = 256 * 1024, mergeAfterMs = 1_000, disconnectAfterMs = 30_000 } = options
    const hub = `push hub "${name}"`
    checkNumbers(hub, { clientsMax, heartbeatMs, clientBytesMax, mergeAfterMs, disconnectAfterMs })
    checkChannels(streams, name)
    this.#streams = streams
    this.#name = name
    this.#tokens = secret === false ? undefined : new ChannelTokens(name, secret)
    this.#clock = options.clock ?? systemClock
    this.#logger = options.logger ?? consoleLogger('info')
    this.#limits = { clientBytesMax, mergeAfterMs, disconnectAfterMs }
    this.#clientsMax = clientsMax
    this.#connections = new Connections(this.#clock, heartbeatMs)
    this.#metrics = pushMetrics(streams.metrics, name, kind => this.#connections.count(kind))
    this.#doorway = new Doorway({
      path: `${checkPath(hub, path)}/events`,
      origins: options.origins,
      check: (query, lastEventId) => this.#check(query, lastEventId),
      serve: (transport, asked) => this.#serve(transport, asked),
      onRefused: () => this.#metrics.refused.add(),
    })
    this.#watch()
    this.#unwatch = streams.onStateChange(state => {
      if (ENDING.includes(state)) this.#connections.dismiss('going away')
    })
  }

  /**
   * Answers `GET <path>/events?channel&token&lastSeq` with server-sent events: for `Hono` and whatever else
   * has a `Request`. `Last-Event-ID`, which browsers send when they come back, goes before `lastSeq`.
   */
  readonly fetch = (request: Request): Response => this.#doorway.fetch(request)

  /**
   * Takes a WebSocket at the same path; `acceptUpgrades` calls it. Returns false where it is another path.
   */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean {
    return this.#doorway.upgrade(request, socket, head)
  }

  /**
   * A token with which a client may open the channel, and no other, for `expiresMs` milliseconds from now on
   * (default a day). A connection that is open stays so.
   */
  channelToken(channel: string, { expiresMs = DAY_MS }: { readonly expiresMs?: number } = {}): string {
    checkNumbers(`push hub "${this.#name}"`, { expiresMs })
    const name = channelOrThrow(channel)
    return this.#tokens?.make(name, this.#clock.nowMs() + expiresMs) ?? ''
  }

  /** Clients of this process, by channel. */
  get connections(): number {
    return this.#connections.size
  }

  /**
   * Tells every client to come back elsewhere (1001), and waits until they are gone, `timeoutMs` at most
   * (default 5,000); then connections are cut. New ones are refused with 503. Idempotent.
   */
  close({ timeoutMs = DRAIN_MS }: { readonly timeoutMs?: number } = {}): Promise<void> {
    this.#closing ??= this.#close(timeoutMs)
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(timeoutMs: number): Promise<void> {
    this.#unwatch()
    this.#changes?.unsubscribe()
    await this.#connections.close(timeoutMs)
    this.#streams.metrics.remove({ push: this.#name })
  }

  #watch(): void {
    const store = pushLogName(this.#name)
    this.#changes = this.#streams.changes<string, PushEvent>(store).subscribe({
      next: ({ key, value }) => {
        // Null: too old to be kept, and sent long ago.
        if (value) for (const client of this.#channels.get(channelOfPushKey(key)) ?? []) client.offer(value)
      },
      error: (error: unknown) => {
        this.#logger.log('error', `an event of push "${this.#name}" cannot be read`, { error })
        // The subscription has ended by it. Clients come back, and read what is there.
        this.#connections.dismiss('try again')
        this.#watch()
      },
    })
  }

  #check(query: URLSearchParams, lastEventId: string | null): Asked {
    const channel = channelOrThrow(query.get('channel'))
    this.#tokens?.check(query.get('token'), channel, this.#clock.nowMs())
    const lastSeq = seqOrThrow(lastEventId ?? query.get('lastSeq') ?? '0')
    const { state } = this.#streams
    if (this.#closing || state === 'created' || ENDING.includes(state)) {
      throw new PushError(503, 'NOT_AVAILABLE', 'this process does not serve channels now: try again')
    }
    if (this.#connections.size >= this.#clientsMax) {
      throw new PushError(503, 'TOO_MANY_CLIENTS', `${this.#clientsMax} clients are connected: try again`)
    }
    return { channel, lastSeq }
  }

  #serve(transport: Transport, { channel, lastSeq }: Asked): void {
    const clients = this.#channels.get(channel) ?? new Set()
    const client = new PushClient({
      transport,
      lastSeq,
      read: fromSeq => this.#read(channel, fromSeq),
      limits: this.#limits,
      clock: this.#clock,
      metrics: this.#metrics,
      onReadError: error =>
        this.#logger.log('warn', `events of push "${this.#name}" could not be read`, { error }),
    })
    // Before the log is read: what comes meanwhile is in the log, or offered, or both, and numbers sort it
    // out.
    this.#channels.set(channel, clients.add(client))
    this.#connections.add(client, transport, () => {
      client.closed()
      clients.delete(client)
      if (clients.size === 0 && this.#channels.get(channel) === clients) this.#channels.delete(channel)
    })
    // The hub may have begun to close during the handshake.
    if (this.#closing) client.close(GOING_AWAY, 'going away')
    else client.start()
  }

  async *#read(channel: string, fromSeq: number): AsyncGenerator<PushEvent> {
    const log = this.#streams.store<string, PushEvent>(pushLogName(this.#name))
    const range = log.range(pushKey(channel, fromSeq), pushKey(channel, Number.MAX_SAFE_INTEGER))
    for await (const [, event] of range) yield event
  }
}

/**
 * Opens a hub for the channels of `toChannels({ name })`. The application may be started later. Throws
 * `ConfigError` for options that cannot be.
 * @example
 * ```ts
 * const hub = pushHub(streams, { name: 'push', secret: process.env.PUSH_SECRET })
 * app.get('/push/events', c => hub.fetch(c.req.raw))
 * acceptUpgrades(server, [hub])
 * ```
 */
export function pushHub(streams: KafkaStreams, options: PushHubOptions): PushHub {
  return new PushHub(streams, options)
}

function seqOrThrow(text: string): number {
  const seq = Number(text)
  if (/^\d{1,16}$/.test(text) && Number.isSafeInteger(seq)) return seq
  throw new PushError(400, 'INVALID_SEQ', 'lastSeq must be a whole number: the last one that was seen, or 0')
}

function checkChannels(streams: KafkaStreams, name: string): void {
  const stores = streams.describeStores().map(store => store.name)
  if (stores.includes(pushLogName(name))) return
  throw new ConfigError(
    'UNKNOWN_CHANNELS',
    `push hub "${name}" has nothing to push: end a stream of the topology with toChannels({ name: '${name}' })`,
  )
}
