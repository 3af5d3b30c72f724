import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock, Timer } from '../../common/clock.ts'
import type { SiteState } from './site-state.ts'

const HEARTBEAT_MS = 15_000
/** What may wait for a browser that does not read; then it is let go, and comes back. */
const WAITING_BYTES_MAX = 1024 * 1024

/** The site as server-sent events: `site` at the beginning, and whenever it changes. */
export class SiteEvents {
  readonly #state: SiteState
  readonly #clock: Clock
  readonly #listeners = new Set<ServerResponse>()
  #unwatch: (() => void) | undefined
  #heartbeat: Timer | undefined

  constructor(state: SiteState, clock: Clock) {
    this.#state = state
    this.#clock = clock
  }

  serve({ method }: IncomingMessage, response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
    if (method === 'HEAD') return void response.end()
    this.#listeners.add(response)
    response.on('close', () => this.#leave(response))
    response.write(this.#text())
    this.#unwatch ??= this.#state.onChange(() => this.#send(this.#text()))
    if (!this.#heartbeat) this.#beat()
  }

  close(): void {
    for (const response of this.#listeners) response.end()
  }

  #leave(response: ServerResponse): void {
    this.#listeners.delete(response)
    if (this.#listeners.size > 0) return
    this.#unwatch?.()
    this.#unwatch = undefined
    this.#heartbeat?.cancel()
    this.#heartbeat = undefined
  }

  #beat(): void {
    const beat = () => {
      this.#send(': still here\n\n')
      this.#beat()
    }
    this.#heartbeat = this.#clock.schedule(HEARTBEAT_MS, beat, { keepsAlive: false })
  }

  #send(text: string): void {
    for (const response of this.#listeners) {
      if (response.writableLength > WAITING_BYTES_MAX) response.destroy()
      else response.write(text)
    }
  }

  #text(): string {
    return `event: site\ndata: ${JSON.stringify(this.#state.view)}\n\n`
  }
}
