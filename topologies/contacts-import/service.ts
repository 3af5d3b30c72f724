import type { KafkaStreams, ServiceContext } from 'millrace'
import { Closing } from '../web/closing.ts'
import { Acceptances } from './http/acceptances.ts'
import { createApp } from './http/app.ts'
import { Tables } from './http/tables.ts'
import { UploadRoute } from './http/upload-route.ts'
import { UploadSender } from './http/upload-sender.ts'
import { acceptSockets } from './push/accept-sockets.ts'
import { PushHub } from './push/push-hub.ts'

/** The running service; `url` says where. */
export interface ContactsService extends AsyncDisposable {
  readonly url: string
}

/**
 * The HTTP side of the contacts import: uploads, reads, the push socket and the page. Port 0 takes a free
 * one.
 */
export async function service(streams: KafkaStreams, context: ServiceContext): Promise<ContactsService> {
  const closing = new Closing()
  return closing.opening(async () => {
    const { clock, logger } = context
    const acceptances = new Acceptances()
    const sender = closing.use(await UploadSender.open(context))
    const hub = new PushHub(streams, clock, logger)
    const uploads = new UploadRoute(sender, acceptances, context)
    const app = createApp({ streams, uploads, tables: new Tables(streams, acceptances), logger })
    const serving = await context.serve({
      fetch: app.fetch,
      upgrade: acceptSockets(hub),
      terminate: () => hub.terminateAll(),
    })
    closing.add(() => serving.close())
    closing.use(hub)
    logger.log('info', `contacts import on ${serving.url}`)
    return { url: serving.url, [Symbol.asyncDispose]: () => closing[Symbol.asyncDispose]() }
  })
}
