import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Clock } from '../common/clock.ts'
import { errorFrom, StreamsError } from '../common/errors/errors.ts'
import { overviewPage, type OverviewEntry, type OverviewOptions } from './overview-page.ts'

export interface OverviewApplication {
  readonly applicationId: string
  readonly title: string
  readonly description: string
  readonly hasService: boolean
}

/** What is said of an application; a `url` that was given stays. */
export interface OverviewProgress {
  readonly state: string
  readonly url: string | undefined
}

const DRAIN_MS = 1000
const HEADERS = { 'cache-control': 'no-cache', 'x-content-type-options': 'nosniff' }
const PAGE_HEADERS = {
  ...HEADERS,
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy':
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
}

/**
 * `GET /`: the applications of this process, with links to their services. `GET /healthz`: their states; 503
 * until all run.
 */
export class OverviewServer {
  readonly #applications: Map<string, OverviewApplication>
  readonly #progress = new Map<string, OverviewProgress>()
  readonly #options: OverviewOptions
  readonly #clock: Clock
  readonly #server: Server

  constructor(
    applications: readonly OverviewApplication[],
    options: OverviewOptions & { readonly clock: Clock },
  ) {
    this.#applications = new Map(applications.map(each => [each.applicationId, each]))
    this.#options = options
    this.#clock = options.clock
    this.#server = createServer((request, response) => this.#answer(request, response))
  }

  /** Returns where it listens. Rejects with `LISTEN_FAILED`. */
  async listen(host: string, port: number): Promise<string> {
    try {
      this.#server.listen(port, host)
      await once(this.#server, 'listening')
    } catch (reason) {
      const cause = errorFrom(reason)
      throw new StreamsError(
        'LISTEN_FAILED',
        `cannot listen on ${host}:${port} (HOST, PORT): ${cause.message}`,
        {
          cause,
        },
      )
    }
    const { address, port: actual, family } = this.#server.address() as AddressInfo
    return `http://${family === 'IPv6' ? `[${address}]` : address}:${actual}`
  }

  /** In place of all that were there: a program that was started anew may be another one. */
  show(application: OverviewApplication): void {
    this.#applications.clear()
    this.#progress.clear()
    this.#applications.set(application.applicationId, application)
  }

  tell(applicationId: string, { state, url }: OverviewProgress): void {
    this.#progress.set(applicationId, { state, url: url ?? this.#progress.get(applicationId)?.url })
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.#server.closeIdleConnections()
    const timer = this.#clock.schedule(DRAIN_MS, () => this.#server.closeAllConnections())
    await closed
    timer.cancel()
  }

  #answer({ method, url, headers }: IncomingMessage, response: ServerResponse): void {
    const path = url?.split('?')[0]
    const entries = this.#entries(headers.host)
    if ((method !== 'GET' && method !== 'HEAD') || (path !== '/' && path !== '/healthz')) {
      this.#send(response, 404, { error: { code: 'NOT_FOUND', message: 'there is nothing here' } })
    } else if (path === '/') {
      response.writeHead(200, PAGE_HEADERS).end(overviewPage(entries, this.#options))
    } else {
      const allRun = entries.every(({ state }) => state === 'running')
      this.#send(response, allRun ? 200 : 503, { brokers: this.#options.brokers, applications: entries })
    }
  }

  #send(response: ServerResponse, status: number, body: object): void {
    response.writeHead(status, { ...HEADERS, 'content-type': 'application/json' }).end(JSON.stringify(body))
  }

  #entries(host: string | undefined): OverviewEntry[] {
    return [...this.#applications.values()].map(application => {
      const { state = 'created', url } = this.#progress.get(application.applicationId) ?? {}
      return { ...application, state, url: url === undefined ? undefined : seenFrom(url, host) }
    })
  }
}

/**
 * By the name that the visitor has for this machine: `127.0.0.1` and `0.0.0.0` may mean another one there.
 */
function seenFrom(url: string, host: string | undefined): string {
  const asked = host !== undefined && URL.canParse(`http://${host}`) ? new URL(`http://${host}`) : undefined
  if (!asked) return url
  const link = new URL(url)
  link.hostname = asked.hostname
  return link.href
}
