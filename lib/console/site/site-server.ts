import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Clock } from '../../common/clock.ts'
import { errorFrom } from '../../common/errors/errors.ts'
import type { Logger } from '../../common/logger.ts'
import { HttpError } from '../../http/http-error.ts'
import { drain, listen } from '../../server/serve-site.ts'
import { answerError, answerJson, refuseUpgrade } from './answers.ts'
import { Forwarder } from './forwarder.ts'
import { SiteEvents } from './site-events.ts'
import { SiteGuard } from './site-guard.ts'
import type { SiteState } from './site-state.ts'
import { StaticFiles } from './static-files.ts'

/** What a visitor may do to a process, to see it heal. */
export interface Breaker {
  /** False where there is no such process, or it is away. */
  kill(index: number): boolean
  stall(index: number, ms: number): boolean
}

export interface SiteServerOptions {
  readonly state: SiteState
  /** Folder of the page. */
  readonly page: string
  readonly token: string | undefined
  /** Undefined: nothing may be broken. */
  readonly breaker: Breaker | undefined
  readonly clock: Clock
  readonly logger: Logger
}

const DRAIN_MS = 1_000
const BODY_BYTES_MAX = 64 * 1024
const STALL_MS_MAX = 30_000
/** What the process with the applications answers. */
const FORWARDED = /^\/(api\/(apps|broker)|rooms)(\/|$)/

/** The one server of the console: the page, the processes, and what is passed on to the applications. */
export class SiteServer {
  readonly #options: SiteServerOptions
  readonly #guard: SiteGuard
  readonly #files: StaticFiles
  readonly #events: SiteEvents
  readonly #forwarder = new Forwarder()
  readonly #server: Server

  constructor(options: SiteServerOptions) {
    const { state, page, token, clock } = options
    this.#options = options
    this.#guard = new SiteGuard(token)
    this.#files = new StaticFiles(page)
    this.#events = new SiteEvents(state, clock)
    // A large file over a slow line takes longer than any limit on a whole request.
    this.#server = createServer({ requestTimeout: 0 }, (request, response) => {
      this.#answer(request, response).catch((reason: unknown) => this.#fail(request, response, reason))
    })
    this.#server.on('upgrade', (request: IncomingMessage, stream: Duplex, head: Buffer) =>
      this.#upgrade(request, stream, head),
    )
  }

  /** Returns where it listens. Rejects with `LISTEN_FAILED`. */
  listen(host: string, port: number): Promise<string> {
    return listen(this.#server, host, port)
  }

  /** Where the applications are; undefined: away. */
  forwardTo(socketPath: string | undefined): void {
    this.#forwarder.to(socketPath)
  }

  async close(): Promise<void> {
    this.#events.close()
    const { clock } = this.#options
    const terminate = () => this.#forwarder.close()
    await drain(this.#server, { clock, drainMs: DRAIN_MS, terminate })
    this.#forwarder.close()
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = pathOf(request)
    // Whoever watches over the process has no token.
    if (path === '/healthz' && isRead(request)) return this.#health(response)
    const signIn = isRead(request) ? this.#guard.signIn(request) : undefined
    if (signIn) {
      const { location, cookie } = signIn
      response.writeHead(303, { location, 'set-cookie': cookie, 'cache-control': 'no-store' }).end()
      return
    }
    const refusal = this.#guard.refusal(request)
    if (refusal) return answerError(response, refusal)
    if (FORWARDED.test(path)) return this.#forwarder.forward(request, response)
    if (path.startsWith('/api/break/') && request.method === 'POST')
      return this.#break(path, request, response)
    if (!isRead(request)) return answerError(response, notFound(path))
    if (path === '/api/site') return answerJson(response, this.#options.state.view)
    if (path === '/api/site/events') return this.#events.serve(request, response)
    const name = path === '/' ? 'index.html' : path.slice(1)
    if (await this.#files.answer(name, request, response)) return
    answerError(response, path === '/' ? pageMissing() : notFound(path))
  }

  #upgrade(request: IncomingMessage, stream: Duplex, head: Buffer): void {
    const refusal = this.#guard.refusal(request)
    if (refusal) return refuseUpgrade(stream, refusal)
    if (!FORWARDED.test(pathOf(request))) return refuseUpgrade(stream, notFound(pathOf(request)))
    this.#forwarder.upgrade(request, stream, head)
  }

  #health(response: ServerResponse): void {
    const { brokers, applications } = this.#options.state.view
    const status =
      applications.length > 0 && applications.every(({ state }) => state === 'running') ? 200 : 503
    const listed = applications.map(({ applicationId, title, description, state, room }) => ({
      applicationId,
      title,
      description,
      state,
      url: room,
    }))
    answerJson(response, { brokers, applications: listed }, { status })
  }

  async #break(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { breaker } = this.#options
    if (!breaker) {
      const message = 'nothing may be broken here: the console was started without --console-faults'
      return answerError(response, new HttpError(403, 'FAULTS_OFF', message))
    }
    const { process: index, ms } = await bodyOf(request)
    if (typeof index !== 'number') throw badBody('"process" must be the number of a process')
    if (path === '/api/break/kill') return done(response, index, breaker.kill(index))
    if (path !== '/api/break/stall') return answerError(response, notFound(path))
    if (typeof ms !== 'number' || !(ms >= 1 && ms <= STALL_MS_MAX))
      throw badBody(`"ms" must be a number from 1 to ${STALL_MS_MAX}`)
    done(response, index, breaker.stall(index, ms))
  }

  #fail(request: IncomingMessage, response: ServerResponse, reason: unknown): void {
    if (response.headersSent) return void response.destroy()
    if (reason instanceof HttpError) return answerError(response, reason)
    const error = errorFrom(reason)
    this.#options.logger.log('error', `a request for ${pathOf(request)} failed: ${error.message}`, { error })
    answerError(response, new HttpError(500, 'INTERNAL', 'the request failed; the log says why'))
  }
}

function done(response: ServerResponse, index: number, isDone: boolean): void {
  if (isDone) return answerJson(response, {}, { status: 202 })
  answerError(response, new HttpError(404, 'UNKNOWN_PROCESS', `there is no process ${index} that runs now`))
}

async function bodyOf(request: IncomingMessage): Promise<{ readonly [name: string]: unknown }> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > BODY_BYTES_MAX)
      throw new HttpError(413, 'BODY_TOO_LARGE', `the body may have ${BODY_BYTES_MAX} bytes`)
    chunks.push(chunk)
  }
  try {
    const body: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'))
    if (typeof body === 'object' && body !== null) return body as { readonly [name: string]: unknown }
  } catch {
    // It is told below what the body should be.
  }
  throw badBody('the body must be a JSON object')
}

function badBody(message: string): HttpError {
  return new HttpError(400, 'BAD_BODY', message)
}

function pathOf({ url = '/' }: IncomingMessage): string {
  return url.split('?', 1)[0]!
}

function isRead({ method }: IncomingMessage): boolean {
  return method === 'GET' || method === 'HEAD'
}

function notFound(path: string): HttpError {
  return new HttpError(404, 'NOT_FOUND', `there is nothing at ${path.slice(0, 200)}`)
}

function pageMissing(): HttpError {
  return new HttpError(404, 'PAGE_MISSING', 'the page of the console is not built: npm run build makes it')
}
