import { Agent, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import type { Duplex } from 'node:stream'
import { HttpError } from '../../http/http-error.ts'
import { answerError, refuseUpgrade } from './answers.ts'

/** Of one connection only: each side has its own. */
const HOP_BY_HOP: ReadonlySet<string> = new Set(['connection', 'keep-alive', 'proxy-connection', 'te'])

/**
 * Passes requests on to the process with the applications, over its socket, with sockets and streams of
 * events. While that process is away it answers 503 `RESTARTING` at once.
 */
export class Forwarder {
  readonly #agent = new Agent({ keepAlive: true })
  readonly #upgraded = new Set<Duplex>()
  #socketPath: string | undefined

  /** Where requests go from now on; undefined: nowhere. */
  to(socketPath: string | undefined): void {
    this.#socketPath = socketPath
  }

  forward(incoming: IncomingMessage, response: ServerResponse): void {
    const socketPath = this.#socketPath
    if (socketPath === undefined) return answerError(response, restarting())
    const { method = 'GET', url: path = '/', headers } = incoming
    const outgoing = httpRequest({
      socketPath,
      agent: this.#agent,
      method,
      path,
      headers: endToEnd(headers),
      setHost: false,
    })
    outgoing.on('response', answer => {
      response.writeHead(answer.statusCode ?? 502, answer.statusMessage, endToEnd(answer.headers))
      // Events must not wait for more of them.
      response.flushHeaders()
      answer.pipe(response)
      answer.on('error', () => response.destroy())
      answer.on('close', () => {
        if (!answer.complete) response.destroy()
      })
    })
    outgoing.on('error', () => {
      if (response.headersSent) response.destroy()
      else answerError(response, restarting())
    })
    response.on('close', () => outgoing.destroy())
    incoming.on('error', () => outgoing.destroy())
    incoming.pipe(outgoing)
  }

  upgrade(incoming: IncomingMessage, stream: Duplex, head: Buffer): void {
    const socketPath = this.#socketPath
    if (socketPath === undefined) return refuseUpgrade(stream, restarting())
    const onward = connect(socketPath)
    const cut = () => {
      this.#upgraded.delete(stream)
      stream.destroy()
      onward.destroy()
    }
    onward.on('connect', () => {
      onward.write(headOf(incoming))
      if (head.length > 0) onward.write(head)
      stream.pipe(onward).pipe(stream)
    })
    let isRefused = false
    onward.on('error', () => {
      isRefused = onward.bytesRead === 0
      if (isRefused) refuseUpgrade(stream, restarting())
    })
    onward.on('close', () => {
      if (isRefused) this.#upgraded.delete(stream)
      else cut()
    })
    stream.on('error', cut)
    stream.on('close', cut)
    this.#upgraded.add(stream)
  }

  /** Cuts what is still connected. */
  close(): void {
    this.#socketPath = undefined
    for (const stream of this.#upgraded) stream.destroy()
    this.#agent.destroy()
  }
}

function endToEnd(headers: NodeJS.Dict<string | string[]>): { [name: string]: string | string[] } {
  const kept: { [name: string]: string | string[] } = {}
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && !HOP_BY_HOP.has(name)) kept[name] = value
  }
  return kept
}

function headOf({ method, url, rawHeaders }: IncomingMessage): string {
  const lines = [`${method} ${url} HTTP/1.1`]
  for (let at = 0; at < rawHeaders.length; at += 2) lines.push(`${rawHeaders[at]}: ${rawHeaders[at + 1]}`)
  return `${lines.join('\r\n')}\r\n\r\n`
}

function restarting(): HttpError {
  const message =
    'the process with the applications is away, and is started again; what it was asked meanwhile may or may not have been done'
  return new HttpError(503, 'RESTARTING', message, { headers: { 'retry-after': '1' } })
}
