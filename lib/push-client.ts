/*
 * The side of a browser, which has none of the rest of the library: it imports nothing, and runs in browsers
 * as it is. So it has timers and chance of the platform, and not through a constructor.
 */

/** What a client gets: an event of the channel, or that some numbers do not come any more. */
export type ChannelMessage =
  | {
      readonly type: 'event'
      readonly seq: number
      readonly atMs: number
      /** Set on events that tell an end. */
      readonly terminal?: true
      readonly data: unknown
    }
  | { readonly type: 'gap'; readonly from: number; readonly to: number }

export type ChannelState = 'connecting' | 'open' | 'waiting' | 'closed'

export interface OpenChannelOptions {
  readonly channel: string
  /** The token. A function is asked at each attempt, so that a token that has expired is replaced. */
  readonly token?: string | (() => string | Promise<string>)
  /** Called with each event once, by rising number, and with gaps. */
  readonly onEvent: (message: ChannelMessage) => void
  readonly onState?: (state: ChannelState) => void
  /** The last number that has been seen. Default 0. */
  readonly lastSeq?: number
  /** The first wait before it comes back; it doubles up to `backoffMaxMs`. Default 250. */
  readonly backoffMs?: number
  /** Default 15,000. */
  readonly backoffMaxMs?: number
  /**
   * Default: WebSockets; server-sent events where two of those in a row have not opened, or are not known.
   */
  readonly transport?: 'websocket' | 'sse'
}

export interface Channel {
  readonly lastSeq: number
  readonly state: ChannelState
  close(): void
}

const SOCKET_FAILURES_MAX = 2

/** The parts of WebSocket and EventSource that are used, by the names that both have. */
interface Source {
  onopen: (() => void) | null
  onmessage: ((message: { readonly data: unknown }) => void) | null
  onerror: (() => void) | null
  onclose?: (() => void) | null
  close(): void
}
type SourceClass = new (url: string) => Source

/**
 * Opens a channel of a push hub; `url` is that of its events, `/push/events`. When the connection ends it
 * comes back by itself, to whichever process answers, and goes on behind what it has seen.
 * @example
 * ```ts
 * const channel = openChannel('/push/events', { channel: 'c1', token, onEvent: message => show(message) })
 * ```
 */
export function openChannel(url: string, options: OpenChannelOptions): Channel {
  return new ReconnectingChannel(url, options)
}

class ReconnectingChannel implements Channel {
  readonly #url: string
  readonly #options: OpenChannelOptions
  #lastSeq: number
  #state: ChannelState = 'connecting'
  #failures = 0
  #socketFailures = 0
  #source: Source | undefined
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(url: string, options: OpenChannelOptions) {
    this.#url = url
    this.#options = options
    this.#lastSeq = options.lastSeq ?? 0
    void this.#connect()
  }

  get lastSeq(): number {
    return this.#lastSeq
  }

  get state(): ChannelState {
    return this.#state
  }

  close(): void {
    this.#become('closed')
    clearTimeout(this.#timer)
    this.#leave()
  }

  async #connect(): Promise<void> {
    this.#become('connecting')
    try {
      const address = await this.#address()
      // It may have been closed while the token was asked for.
      if (this.#state === 'closed') return
      const { make, isSocket } = this.#transport()
      const scheme = address.protocol === 'https:' || address.protocol === 'wss:' ? 's' : ''
      address.protocol = `${isSocket ? 'ws' : 'http'}${scheme}:`
      if (isSocket) this.#socketFailures += 1
      this.#listen(new make(address.href))
    } catch {
      this.#ended()
    }
  }

  #listen(source: Source): void {
    this.#source = source
    source.onopen = () => {
      this.#socketFailures = 0
      this.#become('open')
    }
    source.onmessage = ({ data }) => this.#take(String(data))
    source.onerror = () => this.#ended()
    source.onclose = () => this.#ended()
  }

  #take(text: string): void {
    const message = JSON.parse(text) as ChannelMessage
    const seq = message.type === 'gap' ? message.to : message.seq
    if (seq <= this.#lastSeq) return
    this.#lastSeq = seq
    // Only now: a server that lets clients in and sends them away at once must not be asked without a wait.
    this.#failures = 0
    this.#options.onEvent(message)
  }

  #ended(): void {
    this.#leave()
    if (this.#state === 'closed') return
    this.#become('waiting')
    const { backoffMs = 250, backoffMaxMs = 15_000 } = this.#options
    const waitMs = Math.min(backoffMaxMs, backoffMs * 2 ** Math.min(this.#failures, 20))
    this.#failures += 1
    // Half of it is chance: those that were sent away together do not come back together.
    this.#timer = setTimeout(() => void this.#connect(), waitMs * (0.5 + Math.random() / 2))
  }

  /** What still comes from the connection is of no interest. EventSource would come back by itself. */
  #leave(): void {
    const source = this.#source
    this.#source = undefined
    if (!source) return
    source.onopen = source.onmessage = source.onclose = null
    source.onerror = () => undefined
    source.close()
  }

  #become(state: ChannelState): void {
    if (this.#state === state || this.#state === 'closed') return
    this.#state = state
    this.#options.onState?.(state)
  }

  async #address(): Promise<URL> {
    const { channel, token } = this.#options
    const { location } = globalThis as { location?: { readonly href: string } }
    const address = new URL(this.#url, location?.href)
    address.searchParams.set('channel', channel)
    const given = typeof token === 'function' ? await token() : token
    if (given !== undefined && given !== '') address.searchParams.set('token', given)
    address.searchParams.set('lastSeq', String(this.#lastSeq))
    return address
  }

  #transport(): { readonly make: SourceClass; readonly isSocket: boolean } {
    const { transport } = this.#options
    const { WebSocket, EventSource } = globalThis as unknown as {
      readonly WebSocket?: SourceClass
      readonly EventSource?: SourceClass
    }
    const mayFall = transport === undefined && this.#socketFailures >= SOCKET_FAILURES_MAX && EventSource
    if (WebSocket && transport !== 'sse' && !mayFall) return { make: WebSocket, isSocket: true }
    if (EventSource && transport !== 'websocket') return { make: EventSource, isSocket: false }
    throw new Error('this platform has neither WebSocket nor EventSource')
  }
}
