import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname } from 'node:path'
import { MockApplication } from './mock-application.ts'

const PAGE = new URL('../../dist/console/', import.meta.url)
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
}
const CSP =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; frame-src 'self'"

/** The room of the mock: a module that says what it got, and a button of its own. */
const ROOM = `export function mount(element, { base, site }) {
  element.innerHTML = '<p>The room of ' + site.application.title + ' at ' + base + '</p>'
  return { unmount: () => element.replaceChildren() }
}`

/**
 * A console without applications, for what a real one shows only for a moment: a restore under way, an audit
 * that has lost something, a process that is away. It answers as `/api/…` of the real one does.
 */
export class MockConsole {
  readonly url: string
  readonly applications: readonly MockApplication[]
  /** Requests with a body, newest last. */
  readonly posts: { readonly path: string; readonly body: unknown }[] = []
  #isAway = false
  #restarts = 0
  #lastEnd: object | null = null
  #listeners = new Set<ServerResponse>()
  readonly #server

  private constructor(server: ReturnType<typeof createServer>, applications: readonly MockApplication[]) {
    this.#server = server
    this.applications = applications
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  }

  static async open(
    applications: readonly MockApplication[] = [new MockApplication()],
  ): Promise<MockConsole> {
    const server = createServer((request, response) => void mock.answer(request, response))
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const mock = new MockConsole(server, applications)
    return mock
  }

  /** The process is away until `comeBack`. */
  goAway(): void {
    this.#isAway = true
    this.#lastEnd = { atMs: Date.now(), exitCode: null, killedBy: 'SIGKILL' }
    for (const { streams } of this.applications) for (const stream of streams) stream.end()
    this.tellSite()
  }

  comeBack(): void {
    this.#isAway = false
    this.#restarts++
    this.tellSite()
  }

  tellSite(): void {
    for (const stream of this.#listeners) stream.write(eventText('site', this.#site()))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise(resolve => this.#server.close(resolve))
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.url)
    const path = decodeURIComponent(url.pathname)
    const body = request.method === 'POST' ? await bodyOf(request) : undefined
    if (body !== undefined) this.posts.push({ path, body })
    if (path === '/api/site') return json(response, this.#site())
    if (path === '/api/site/events') return this.#listen(response)
    if (path === '/api/break/kill') return this.#kill(response)
    if (path.startsWith('/api/') && this.#isAway)
      return json(response, { error: { code: 'RESTARTING', message: 'Process 0 is restarted.' } }, 503)
    const [, , , id, ...rest] = path.split('/')
    if (path.startsWith('/api/broker/'))
      return this.applications[0]!.answerBroker(path, url.searchParams, response)
    const application = this.applications.find(each => each.applicationId === id)
    if (path.startsWith('/api/apps/') && application)
      return application.answer(rest.join('/'), { params: url.searchParams, body, response })
    if (path.startsWith('/rooms/')) return room(path, response)
    return file(path, response)
  }

  #site(): object {
    const state = this.#isAway ? 'restarting' : 'running'
    return {
      version: '0.1.0',
      brokers: 'embedded',
      startedMs: Date.now() - 723_000,
      processes: [
        {
          index: 0,
          pid: 4_242,
          state,
          startedMs: Date.now() - 61_000,
          restarts: this.#restarts,
          lastEnd: this.#lastEnd,
        },
      ],
      applications: this.applications.map(each => each.summary(this.#isAway)),
      canBreak: true,
    }
  }

  #listen(response: ServerResponse): void {
    startEvents(response)
    this.#listeners.add(response)
    response.on('close', () => this.#listeners.delete(response))
    response.write(eventText('site', this.#site()))
  }

  #kill(response: ServerResponse): void {
    json(response, {}, 202)
    this.goAway()
  }
}

export const eventText = (event: string, data: unknown): string =>
  `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`

export function startEvents(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
}

export function json(response: ServerResponse, answer: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
}

function room(path: string, response: ServerResponse): void {
  if (path.endsWith('/room.js')) response.writeHead(200, { 'content-type': 'text/javascript' }).end(ROOM)
  else response.writeHead(404).end()
}

async function file(path: string, response: ServerResponse): Promise<void> {
  const name = path === '/' ? 'index.html' : path.slice(1)
  const bytes = await readFile(new URL(name, PAGE)).catch(() => undefined)
  if (!bytes) {
    response.writeHead(404).end()
    return
  }
  const headers = { 'content-type': TYPES[extname(name)] ?? 'application/octet-stream' }
  response.writeHead(200, { ...headers, 'content-security-policy': CSP }).end(bytes)
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  let text = ''
  for await (const chunk of request) text += String(chunk)
  return text === '' ? {} : JSON.parse(text)
}
