import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import type { Clock } from '../common/clock.ts'
import { errorFrom, StreamsError } from '../common/errors/errors.ts'
import { BACKLOG, countConnections } from '../common/net/pending-connections.ts'
import type { ServedSite, Serving } from '../streams/topology-file.ts'

/** How long requests under way may take to end when the service closes. */
const DRAIN_MS = 5_000

/** Serves a service's site on a port of its own; 0 takes a free one. Rejects with `LISTEN_FAILED`. */
export async function serveSite(
  { fetch, upgrade, terminate }: ServedSite,
  { host, port, clock }: { readonly host: string; readonly port: number; readonly clock: Clock },
): Promise<Serving> {
  const server = createAdaptorServer({
    fetch: fetch as Parameters<typeof createAdaptorServer>[0]['fetch'],
    overrideGlobalObjects: false,
    // A large file over a slow line takes longer than any limit on a whole request; a route for one has a
    // limit on silence.
    serverOptions: { requestTimeout: 0 },
  }) as Server
  if (upgrade) server.on('upgrade', upgrade)
  const url = await listen(server, host, port)
  return { url, close: () => drain(server, { clock, drainMs: DRAIN_MS, terminate }) }
}

/** Returns where the server listens. Rejects with `LISTEN_FAILED`. */
export async function listen(server: Server, host: string, port: number): Promise<string> {
  try {
    countConnections(server)
    server.listen({ port, host, backlog: BACKLOG })
    await once(server, 'listening')
  } catch (reason) {
    const cause = errorFrom(reason)
    const message = `cannot listen on ${host}:${port} (HOST, PORT): ${cause.message}`
    throw new StreamsError('LISTEN_FAILED', message, { cause })
  }
  const { address, port: actual, family } = server.address() as AddressInfo
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${actual}`
}

/**
 * Takes no more connections; what is under way may end, for a while, then it is cut. `terminate` is for what
 * the server does not know: sockets.
 */
export async function drain(
  server: Server,
  {
    clock,
    drainMs,
    terminate,
  }: { readonly clock: Clock; readonly drainMs: number; readonly terminate?: (() => void) | undefined },
): Promise<void> {
  if (!server.listening) return
  const closed = once(server, 'close')
  server.close()
  server.closeIdleConnections()
  const timer = clock.schedule(drainMs, () => {
    terminate?.()
    server.closeAllConnections()
  })
  await closed
  timer.cancel()
}
