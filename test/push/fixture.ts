import { createServer, type Server } from 'node:http'
import { onTestFinished } from 'vitest'
import type { AddressInfo } from 'node:net'
import WebSocket from 'ws'
import type { Broker } from '../../lib/broker/broker.ts'
import { openBroker } from '../../lib/broker/open/open-broker.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import {
  acceptUpgrades,
  pushHub,
  type PushHub,
  type PushHubOptions,
  type PushMessage,
} from '../../lib/push.ts'
import { KafkaStreams } from '../../lib/streams/kafka-streams.ts'
import type { Topology } from '../../lib/topology/topology.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { createTopics, produce } from '../support/topics.ts'
import { PARTITIONS, pushTopology, SECRET, type Told } from './push-topology.ts'

export async function memoryBroker(): Promise<Broker> {
  const broker = await openBroker('memory')
  onTestFinished(() => broker.close())
  await createTopics(broker, { told: PARTITIONS })
  return broker
}

/** Tells events of channels, in order. */
export async function tell(
  broker: Broker,
  events: readonly (readonly [channel: string, Told])[],
): Promise<void> {
  const pairs = events.map(([channel, told]) => [channel, JSON.stringify(told), Date.now()] as const)
  await produce(broker, 'told', PARTITIONS, pairs)
}

/** A start, some progress, an end. */
export function story(channel: string, steps: number, job = 'job'): (readonly [string, Told])[] {
  const progress = Array.from(
    { length: steps },
    (_, percent) => ({ type: 'progress', job, percent }) as const,
  )
  return [{ type: 'started', job } as const, ...progress, { type: 'completed', job } as const].map(
    told => [channel, told] as const,
  )
}

export interface Node {
  readonly streams: KafkaStreams
  readonly hub: PushHub
  readonly server: Server
  readonly url: string
}

/** One process of the application, as it were: with its hub, on a port of its own. */
export async function openNode(
  broker: Broker,
  options: Partial<PushHubOptions> & { readonly topology?: Topology } = {},
): Promise<Node> {
  const { topology = pushTopology(), ...hubOptions } = options
  const config = { applicationId: 'app', commitIntervalMs: 10, stateDir: await temporaryDirectory() }
  const streams = new KafkaStreams(topology, config, { broker, logger: silentLogger })
  onTestFinished(() => streams.close())
  const hub = pushHub(streams, { name: 'push', secret: SECRET, logger: silentLogger, ...hubOptions })
  const server = createServer()
  acceptUpgrades(server, [hub])
  await new Promise<void>(resolve => server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, resolve))
  onTestFinished(async () => {
    await hub.close({ timeoutMs: 100 })
    server.closeAllConnections()
    server.close()
  })
  await streams.start()
  return { streams, hub, server, url: `127.0.0.1:${(server.address() as AddressInfo).port}` }
}

export interface Listener {
  readonly socket: WebSocket
  readonly messages: PushMessage[]
  /** Code of the end. */
  closedWith: number | undefined
  readonly seqs: number[]
}

export function listen(
  { url, hub }: { readonly url: string; readonly hub: Pick<PushHub, 'channelToken'> },
  channel: string,
  { lastSeq = 0, token = hub.channelToken(channel) }: { lastSeq?: number; token?: string } = {},
): Listener {
  const query = new URLSearchParams({ channel, token, lastSeq: String(lastSeq) })
  const socket = new WebSocket(`ws://${url}/push/events?${query}`, { perMessageDeflate: false })
  onTestFinished(() => socket.terminate())
  const listener: Listener = { socket, messages: [], seqs: [], closedWith: undefined }
  socket.on('message', data => {
    const message = JSON.parse(String(data)) as PushMessage
    listener.messages.push(message)
    if (message.type === 'event') listener.seqs.push(message.seq)
  })
  socket.on('error', () => undefined)
  socket.on('close', code => (listener.closedWith = code))
  return listener
}

/** The answer of a request for a WebSocket that is refused. */
export async function refusal(path: string, url: string, headers: { [name: string]: string } = {}) {
  const socket = new WebSocket(`ws://${url}${path}`, { headers })
  return new Promise<{ status: number; code: string }>((resolve, reject) => {
    socket.on('open', () => reject(new Error('the socket has opened')))
    socket.on('error', () => undefined)
    socket.on('unexpected-response', (_request, response) => {
      let text = ''
      response.on('data', data => (text += String(data)))
      response.on('end', () =>
        resolve({
          status: response.statusCode!,
          code: (JSON.parse(text) as { error: { code: string } }).error.code,
        }),
      )
    })
  })
}

export const upTo = (last: number): number[] => Array.from({ length: last }, (_, at) => at + 1)
