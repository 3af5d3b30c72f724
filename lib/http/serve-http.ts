import { once } from 'node:events'
import type { Server } from 'node:http'
import { isIPv6, type AddressInfo } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import { systemClock } from '../common/clock.ts'
import { ConfigError, errorFrom, StreamsError } from '../common/errors/errors.ts'
import { BACKLOG, countConnections } from '../common/net/pending-connections.ts'
import type { KafkaStreams } from '../streams/kafka-streams.ts'
import { isLoopback } from './guard.ts'
import { openHttpApp } from './http-app.ts'
import type { HttpAppOptions } from './http-options.ts'

export interface ServeHttpOptions extends HttpAppOptions {
  /** Default 8080; 0 takes a free one. */
  readonly port?: number | undefined
  /** Default `127.0.0.1`: this machine only. Any but a loopback one needs a `token`, or `token: false`. */
  readonly host?: string | undefined
}

export interface HttpServer extends AsyncDisposable {
  /** Where it listens: `http://127.0.0.1:8080`. */
  readonly url: string
  readonly port: number
  /**
   * Takes no more requests, ends `/changes` of every client with an event, and waits for what is under way:
   * `timeoutMs` at most, default 5,000. Then connections are cut. The application is not closed by it.
   * Idempotent.
   */
  close(options?: { readonly timeoutMs?: number }): Promise<void>
}

const DRAIN_MS = 5_000

/**
 * Serves an application's stores, health and metrics (`httpApp`) on a port of its own. Rejects with
 * `TOKEN_NEEDED` where others than this machine could reach it without a token, `LISTEN_FAILED` where the
 * port cannot be had, and as `httpApp` does.
 */
export async function serveHttp(streams: KafkaStreams, options: ServeHttpOptions = {}): Promise<HttpServer> {
  const { host = '127.0.0.1', port = 8080, ...appOptions } = options
  if (options.token === undefined && !isLoopback(host)) throw tokenNeeded(host)
  const stop = new AbortController()
  const app = openHttpApp(streams, appOptions, stop.signal)
  const server = createAdaptorServer({ fetch: app.fetch, overrideGlobalObjects: false }) as Server
  countConnections(server)
  await listen(server, host, port)
  const { address, port: actual } = server.address() as AddressInfo
  const clock = appOptions.clock ?? systemClock
  let closing: Promise<void> | undefined
  const close = async (timeoutMs: number) => {
    stop.abort()
    const closed = once(server, 'close')
    server.close()
    server.closeIdleConnections()
    const timer = clock.schedule(timeoutMs, () => server.closeAllConnections())
    await closed
    timer.cancel()
  }
  return {
    url: `http://${isIPv6(address) ? `[${address}]` : address}:${actual}`,
    port: actual,
    close: ({ timeoutMs = DRAIN_MS } = {}) => (closing ??= close(timeoutMs)),
    [Symbol.asyncDispose]: () => (closing ??= close(DRAIN_MS)),
  }
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  try {
    // As many may come at once, and a busy task leaves few turns to take them.
    server.listen({ port, host, backlog: BACKLOG })
    await once(server, 'listening')
  } catch (reason) {
    const cause = errorFrom(reason)
    throw new StreamsError(
      'LISTEN_FAILED',
      `cannot listen on ${host}:${port} (host, port): ${cause.message}`,
      {
        cause,
      },
    )
  }
}

function tokenNeeded(host: string): ConfigError {
  return new ConfigError(
    'TOKEN_NEEDED',
    `host is ${JSON.stringify(host)}, which others than this machine may reach, and there is no token: give a token, or token: false to let everybody read`,
  )
}
