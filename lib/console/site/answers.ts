import { STATUS_CODES, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { HttpError } from '../../http/http-error.ts'

const HEADERS = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' }

export function answerJson(
  response: ServerResponse,
  body: object,
  { status = 200, headers = {} }: { status?: number; headers?: { readonly [name: string]: string } } = {},
): void {
  const text = JSON.stringify(body)
  const all = { ...HEADERS, ...headers, 'content-type': 'application/json' }
  response.writeHead(status, { ...all, 'content-length': Buffer.byteLength(text) }).end(text)
}

export function answerError(
  response: ServerResponse,
  { code, message, status, headers, details }: HttpError,
): void {
  answerJson(response, { error: { code, message, ...details } }, { status, headers })
}

/** Refuses a socket by HTTP, before there is one. */
export function refuseUpgrade(stream: Duplex, { code, message, status }: HttpError): void {
  const body = JSON.stringify({ error: { code, message } })
  stream.on('error', () => undefined)
  stream.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nconnection: close\r\ncontent-type: application/json\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
}
