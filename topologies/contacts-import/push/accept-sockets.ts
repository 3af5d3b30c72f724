import type { IncomingMessage, Server } from 'node:http'
import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import { RequestError } from '../http/request-error.ts'
import { channelOrThrow, numberOrThrow } from '../http/request-values.ts'
import type { PushHub } from './push-hub.ts'

const SEQ = { fallback: 0, least: 0, most: 10 ** 12 - 2 }
/** Browsers have nothing to say. */
const MESSAGE_BYTES_MAX = 1024

interface SocketRequest {
  readonly channel: string
  readonly lastSeq: number
}

/** `/ws?channel=ID&lastSeq=N`: what is wrong is refused by an HTTP answer, before there is a socket. */
export function acceptSockets(server: Server, hub: PushHub): void {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MESSAGE_BYTES_MAX })
  server.on('upgrade', (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    // The peer may be gone before the handshake is through.
    const ignore = () => undefined
    stream.on('error', ignore)
    try {
      const { channel, lastSeq } = socketRequestOrThrow(request)
      sockets.handleUpgrade(request, stream, head, socket => {
        stream.off('error', ignore)
        void hub.serve(socket, channel, lastSeq)
      })
    } catch (error) {
      refuse(
        stream,
        error instanceof RequestError ? error : new RequestError(400, 'BAD_REQUEST', String(error)),
      )
    }
  })
}

function socketRequestOrThrow({ url = '/', headers }: IncomingMessage): SocketRequest {
  const { pathname, searchParams } = new URL(url, 'http://localhost')
  if (pathname !== '/ws') throw new RequestError(404, 'NOT_FOUND', `there is no socket at ${pathname}`)
  // A page of another site must not listen in its visitor's name; programs send no origin.
  if (headers.origin !== undefined && hostOf(headers.origin) !== headers.host) {
    throw new RequestError(403, 'FOREIGN_ORIGIN', 'this page comes from another host')
  }
  return {
    channel: channelOrThrow(searchParams.get('channel')),
    lastSeq: numberOrThrow('lastSeq', searchParams.get('lastSeq'), SEQ),
  }
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
