import { STATUS_CODES, type IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type * as Ws from 'ws'
import { errorFrom } from '../common/errors/errors.ts'
import { latePackage } from '../common/late-package.ts'
import { checkOrigin, type Origins } from './origins.ts'
import { PushError } from './push-error.ts'
import { SocketTransport } from './socket-transport.ts'
import { SseTransport } from './sse-transport.ts'
import type { Transport } from './transport.ts'

const ws = latePackage<typeof Ws>('ws')
/** Clients have nothing to say. */
const MESSAGE_BYTES_MAX = 1024

export interface DoorwayOptions<T> {
  /** The only path that is served. */
  readonly path: string
  readonly origins: Origins
  /**
   * Throws a `PushError` for a request that is wrong: it is answered by HTTP, before there is a connection.
   */
  readonly check: (query: URLSearchParams, lastEventId: string | null) => T
  readonly serve: (transport: Transport, checked: T) => void
  readonly onRefused: (error: PushError) => void
}

/** Lets clients in, by WebSockets and by server-sent events, or says why not. */
export class Doorway<T> {
  readonly #options: DoorwayOptions<T>
  #sockets: Ws.WebSocketServer | undefined

  constructor(options: DoorwayOptions<T>) {
    this.#options = options
  }

  /** Server-sent events; 404 for any other path. */
  fetch(request: Request): Response {
    const { path, origins, check, serve } = this.#options
    const { pathname, searchParams } = new URL(request.url)
    const origin = request.headers.get('origin')
    try {
      if (pathname !== path) throw new PushError(404, 'NOT_FOUND', `there is nothing at ${pathname}`)
      if (request.method !== 'GET') throw new PushError(405, 'METHOD_NOT_ALLOWED', 'only GET is served')
      checkOrigin({ origin, host: request.headers.get('host') ?? new URL(request.url).host }, origins)
      const checked = check(searchParams, request.headers.get('last-event-id'))
      const transport = new SseTransport()
      serve(transport, checked)
      return new Response(transport.body, { headers: { ...SSE_HEADERS, ...corsHeaders(origin) } })
    } catch (reason) {
      const { status, headers, body } = this.#refused(reason)
      return new Response(body, { status, headers })
    }
  }

  /** A WebSocket. Returns false, and leaves the connection alone, where the path is not this one. */
  upgrade(request: IncomingMessage, stream: Duplex, head: Buffer): boolean {
    const { path, origins, check, serve } = this.#options
    const { url = '/', headers } = request
    const { pathname, searchParams } = new URL(url, 'http://localhost')
    if (pathname !== path) return false
    // The peer may be gone before the handshake is through.
    const ignore = () => undefined
    stream.on('error', ignore)
    try {
      checkOrigin({ origin: headers.origin, host: headers.host }, origins)
      const checked = check(searchParams, null)
      this.#sockets ??= new (ws().WebSocketServer)({ noServer: true, maxPayload: MESSAGE_BYTES_MAX })
      this.#sockets.handleUpgrade(request, stream, head, socket => {
        stream.off('error', ignore)
        serve(new SocketTransport(socket), checked)
      })
    } catch (reason) {
      refuseUpgrade(stream, this.#refused(reason))
    }
    return true
  }

  #refused(reason: unknown): PushError {
    const error =
      reason instanceof PushError ? reason : new PushError(400, 'BAD_REQUEST', errorFrom(reason).message)
    this.#options.onRefused(error)
    return error
  }
}

const SSE_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  // Proxies that gather answers (nginx) would hold events back.
  'x-accel-buffering': 'no',
}

/** An origin that was let in may read. */
function corsHeaders(origin: string | null): { readonly [name: string]: string } {
  return origin === null ? {} : { 'access-control-allow-origin': origin, vary: 'origin' }
}

/** Answers by HTTP where a WebSocket was asked for. */
export function refuseUpgrade(stream: Duplex, { status, headers, body }: PushError): void {
  const lines = Object.entries({ connection: 'close', ...headers, 'content-length': Buffer.byteLength(body) })
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  stream.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${head}\r\n${body}`)
}
