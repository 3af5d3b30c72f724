import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import type { Clock, ServiceContext } from 'millrace'
import { BACKLOG } from 'millrace/push'

type Fetch = Parameters<typeof createAdaptorServer>[0]['fetch']

/** How long requests under way may take to end when the service closes. */
const DRAIN_MS = 5000

/** A Hono application on HTTP, where the context says; port 0 takes a free one. */
export class HttpServer {
  readonly server: Server
  readonly #host: string
  readonly #port: number
  readonly #clock: Clock

  constructor(fetch: Fetch, { host, port, clock }: Pick<ServiceContext, 'host' | 'port' | 'clock'>) {
    this.#host = host
    this.#port = port
    this.#clock = clock
    this.server = createAdaptorServer({
      fetch,
      overrideGlobalObjects: false,
      // A large file over a slow line takes longer than any limit on a whole request; the route for it has
      // one on silence.
      serverOptions: { requestTimeout: 0 },
    }) as Server
  }

  /** Returns where it listens; rejects where it cannot. */
  async listen(): Promise<string> {
    try {
      this.server.listen({ port: this.#port, host: this.#host, backlog: BACKLOG })
      await once(this.server, 'listening')
    } catch (error) {
      throw new Error(
        `cannot listen on ${this.#host}:${this.#port} (HOST, PORT): ${(error as Error).message}`,
        { cause: error },
      )
    }
    const { address, port, family } = this.server.address() as AddressInfo
    return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`
  }

  /**
   * Takes no more; what is under way may end, for a while, then `terminate` is called for what the server
   * does not know: sockets.
   */
  async close(terminate: () => void = () => undefined): Promise<void> {
    if (!this.server.listening) return
    const closed = once(this.server, 'close')
    this.server.close()
    this.server.closeIdleConnections()
    const timer = this.#clock.schedule(DRAIN_MS, () => {
      terminate()
      this.server.closeAllConnections()
    })
    await closed
    timer.cancel()
  }
}
