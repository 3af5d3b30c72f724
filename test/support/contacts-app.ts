import { OpenedBroker } from '../../lib/broker/open/opened-broker.ts'
import { serveSite } from '../../lib/server/serve-site.ts'
import { KafkaStreams, openBroker, silentLogger, systemClock, type Broker, type Logger } from 'millrace'
import WebSocket from 'ws'
import contactsImport, { config, service, topics } from '../../topologies/contacts-import.ts'
import type { PushEvent } from '../../topologies/contacts-import/records.ts'
import { temporaryDirectory } from './temporary-directory.ts'

export interface ContactsAppOptions {
  /** Default: one in memory, closed with the application. */
  readonly broker?: Broker
  /** Default: a temporary one. */
  readonly stateDir?: string
  readonly settings?: { readonly [name: string]: string }
  readonly logger?: Logger
  readonly port?: number
}

/** The contacts import as `millrace run` runs it, in this process, on a free port. */
export async function openContactsApp(options: ContactsAppOptions = {}) {
  const { settings = {}, logger = silentLogger } = options
  const closing: (() => Promise<void>)[] = []
  const broker = options.broker ?? (await openBroker('memory', { logger }))
  if (!options.broker) closing.unshift(() => broker.close())
  const stateDir = options.stateDir ?? (await temporaryDirectory())
  await createTopics(broker)
  const applicationId = 'contacts-import'
  const own = { ...config, applicationId, stateDir }
  const streams = new KafkaStreams(contactsImport(settings), own, { broker, logger })
  closing.unshift(() => streams.close())
  await streams.start()
  const address = { host: '127.0.0.1', port: options.port ?? 0 }
  const served = await service(streams, {
    broker: new OpenedBroker(broker, systemClock),
    logger,
    clock: systemClock,
    ...address,
    serve: site => serveSite(site, { ...address, clock: systemClock }),
    stateDir,
    applicationId,
    settings,
    processIndex: 0,
  })
  closing.unshift(async () => served[Symbol.asyncDispose]())
  return {
    url: served.url,
    broker,
    streams,
    stateDir,
    async getJson<T>(path: string): Promise<T> {
      const response = await fetch(served.url + path)
      return (await response.json()) as T
    },
    upload(
      body: string | Uint8Array | ReadableStream,
      channel = 'c1',
      headers: { [name: string]: string } = {},
    ) {
      return fetch(`${served.url}/imports?channel=${channel}`, {
        method: 'POST',
        headers: { 'content-type': 'text/csv', ...headers },
        body,
        duplex: 'half',
      } as RequestInit)
    },
    listen: (channel: string, lastSeq = 0) => openListener(served.url, channel, lastSeq),
    async [Symbol.asyncDispose]() {
      for (const close of closing) await close()
    },
  }
}

export type ContactsApp = Awaited<ReturnType<typeof openContactsApp>>

async function createTopics(broker: Broker): Promise<void> {
  const admin = await broker.admin()
  const present = await admin.describeTopics(topics.map(({ topic }) => topic))
  const missing = topics.filter(({ topic }) => !present.has(topic))
  if (missing.length > 0) await admin.createTopics(missing)
  await admin.close()
}

/** A browser's side of the push: everything it got, in order. */
export function openListener(url: string, channel: string, lastSeq = 0) {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/ws?channel=${channel}&lastSeq=${lastSeq}`)
  const events: PushEvent[] = []
  socket.on('message', data => events.push(JSON.parse(String(data)) as PushEvent))
  socket.on('error', () => undefined)
  return { socket, events, [Symbol.dispose]: () => socket.terminate() }
}
