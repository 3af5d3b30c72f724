import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { getRequestListener } from '@hono/node-server'
import type { Hono } from 'hono'
import type { Admin, Broker } from '../../broker/broker.ts'
import type { Clock } from '../../common/clock.ts'
import type { Logger } from '../../common/logger.ts'
import { HttpError } from '../../http/http-error.ts'
import { drain } from '../../server/serve-site.ts'
import type { ServedSite, Serving } from '../../streams/topology-file.ts'
import { consoleApp } from '../api/console-app.ts'
import type { ConsoleApplication, ConsoleParts } from '../api/console-parts.ts'
import { brokerApp } from '../api/broker-app.ts'
import { answerError } from '../site/answers.ts'
import { Rooms } from './rooms.ts'

export interface ConsoleChildOptions {
  /** Where the supervisor's requests come in. */
  readonly socketPath: string
  /** Where the console is, as this machine reaches it. */
  readonly siteUrl: string
  readonly broker: Broker
  readonly admin: Admin
  readonly clock: Clock
  readonly logger: Logger
}

const DRAIN_MS = 1_000

type Listener = (request: IncomingMessage, response: ServerResponse) => unknown

/** The part of the console that is in the process with the applications: their API, and their rooms. */
export class ConsoleChild {
  readonly #options: ConsoleChildOptions
  readonly #stop = new AbortController()
  readonly #rooms: Rooms
  readonly #applications: ConsoleApplication[] = []
  /** By the path before theirs. */
  readonly #listeners = new Map<string, Listener>()
  readonly #server: Server

  private constructor(options: ConsoleChildOptions) {
    this.#options = options
    this.#rooms = new Rooms(options.siteUrl, options.clock)
    this.#listeners.set('/api/broker', listenerOf(brokerApp(() => this.#applications, this.#parts)))
    this.#server = createServer({ requestTimeout: 0, keepAliveTimeout: 0 }, (request, response) => {
      if (!this.#rooms.answer(request, response)) this.#answer(request, response)
    })
    this.#server.on('upgrade', (request: IncomingMessage, stream: Duplex, head: Buffer) =>
      this.#rooms.upgrade(request, stream, head),
    )
  }

  static async open(options: ConsoleChildOptions): Promise<ConsoleChild> {
    const child = new ConsoleChild(options)
    child.#server.listen(options.socketPath)
    await once(child.#server, 'listening')
    return child
  }

  /** Adds the API of an application; returns how its service serves its site. */
  add(application: ConsoleApplication): (site: ServedSite) => Promise<Serving> {
    const { applicationId } = application.plan
    this.#applications.push(application)
    const path = `/api/apps/${encodeURIComponent(applicationId)}`
    this.#listeners.set(path, listenerOf(consoleApp(application, this.#parts)))
    return async site => this.#rooms.open(applicationId, site)
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await drain(this.#server, { clock: this.#options.clock, drainMs: DRAIN_MS })
  }

  get #parts(): ConsoleParts {
    return { ...this.#options, stop: this.#stop.signal }
  }

  /** Each application sees its own paths. */
  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { url = '/' } = request
    const [, path = '', rest = ''] = /^(\/api\/broker|\/api\/apps\/[^/?]+)(.*)$/.exec(url) ?? []
    const listener = this.#listeners.get(path)
    if (!listener) {
      const message = `there is no application at ${url.slice(0, 200)}, or not yet`
      return answerError(response, new HttpError(404, 'UNKNOWN_APPLICATION', message))
    }
    request.url = rest.startsWith('/') ? rest : `/${rest}`
    void listener(request, response)
  }
}

function listenerOf(app: Hono): Listener {
  return getRequestListener(app.fetch, { overrideGlobalObjects: false })
}
