import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import type { KafkaStreams, ServiceContext } from 'millrace'
import { Acceptances } from './http/acceptances.ts'
import { createApp } from './http/app.ts'
import { Tables } from './http/tables.ts'
import { UploadRoute } from './http/upload-route.ts'
import { UploadSender } from './http/upload-sender.ts'
import { acceptSockets } from './push/accept-sockets.ts'
import { PushHub } from './push/push-hub.ts'

/** How long requests under way may take to end when the service closes. */
const DRAIN_MS = 5000

/** The running service; `url` says where. */
export interface ContactsService extends AsyncDisposable {
  readonly url: string
}

/** The HTTP side of the contacts import: uploads, reads, the push socket and the page. Port 0 takes a free one. */
export async function service(streams: KafkaStreams, context: ServiceContext): Promise<ContactsService> {
  const { clock, logger } = context
  const acceptances = new Acceptances()
  const sender = await UploadSender.open(context)
  const hub = new PushHub(streams, clock, logger)
  const uploads = new UploadRoute(sender, acceptances, context)
  const app = createApp({ streams, uploads, tables: new Tables(streams, acceptances), logger })
  const server = createAdaptorServer({
    fetch: app.fetch,
    overrideGlobalObjects: false,
    // A large file over a slow line takes longer than any limit on a whole request; the route has one on silence.
    serverOptions: { requestTimeout: 0 },
  }) as Server
  acceptSockets(server, hub)
  const close = async () => {
    await hub[Symbol.asyncDispose]()
    await closeServer(server, hub, context)
    await sender[Symbol.asyncDispose]()
  }
  try {
    const url = await listen(server, context)
    logger.log('info', `contacts import on ${url}`)
    return { url, [Symbol.asyncDispose]: close }
  } catch (error) {
    await close()
    throw error
  }
}

async function listen(server: Server, { host, port }: ServiceContext): Promise<string> {
  try {
    server.listen(port, host)
    await once(server, 'listening')
  } catch (error) {
    throw new Error(`cannot listen on ${host}:${port} (HOST, PORT): ${(error as Error).message}`, {
      cause: error,
    })
  }
  const { address, port: actual, family } = server.address() as AddressInfo
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${actual}`
}

/** Takes no more; what is under way may end, for a while. */
async function closeServer(server: Server, hub: PushHub, { clock }: ServiceContext): Promise<void> {
  if (!server.listening) return
  const closed = once(server, 'close')
  server.close()
  server.closeIdleConnections()
  const timer = clock.schedule(DRAIN_MS, () => {
    hub.terminateAll()
    server.closeAllConnections()
  })
  await closed
  timer.cancel()
}
