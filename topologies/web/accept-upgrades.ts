import { STATUS_CODES, type IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { ServedSite } from 'millrace'
import { WebSocketServer, type WebSocket } from 'ws'
import { RequestError } from './request-error.ts'

/** Browsers have nothing to say. */
const MESSAGE_BYTES_MAX = 1024

export interface Upgrades<T> {
  /** The only path that has sockets. */
  readonly path: string
  /**
   * Throws a `RequestError` for a request that is wrong: it is answered by HTTP, before there is a socket.
   */
  readonly check: (query: URLSearchParams) => T
  readonly serve: (socket: WebSocket, request: T) => void
}

export type Upgrade = NonNullable<ServedSite['upgrade']>

/** Takes WebSockets; those of pages of another host are refused. */
export function acceptUpgrades<T>({ path, check, serve }: Upgrades<T>): Upgrade {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MESSAGE_BYTES_MAX })
  return (request, stream, head) => {
    // The peer may be gone before the handshake is through.
    const ignore = () => undefined
    stream.on('error', ignore)
    try {
      const checked = check(queryOrThrow(request, path))
      sockets.handleUpgrade(request, stream, head, socket => {
        stream.off('error', ignore)
        serve(socket, checked)
      })
    } catch (error) {
      refuse(
        stream,
        error instanceof RequestError ? error : new RequestError(400, 'BAD_REQUEST', String(error)),
      )
    }
  }
}

function queryOrThrow({ url = '/', headers }: IncomingMessage, path: string): URLSearchParams {
  const { pathname, searchParams } = new URL(url, 'http://localhost')
  if (pathname !== path) throw new RequestError(404, 'NOT_FOUND', `there is no socket at ${pathname}`)
  // A page of another site must not listen in its visitor's name; programs send no origin.
  if (headers.origin !== undefined && hostOf(headers.origin) !== headers.host) {
    throw new RequestError(403, 'FOREIGN_ORIGIN', 'this page comes from another host')
  }
  return searchParams
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined
}

function refuse(stream: Duplex, { status, code, message }: RequestError): void {
  const body = JSON.stringify({ error: { code, message } })
  stream.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nconnection: close\r\ncontent-type: application/json\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
}
