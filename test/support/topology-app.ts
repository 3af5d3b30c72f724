import { OpenedBroker } from '../../lib/broker/open/opened-broker.ts'
import { serveSite } from '../../lib/server/serve-site.ts'
import {
  KafkaStreams,
  openBroker,
  silentLogger,
  systemClock,
  type Broker,
  type RunningService,
  type ServiceContext,
  type StreamsConfig,
  type NewTopic,
  type Topology,
} from 'millrace'
import { temporaryDirectory } from './temporary-directory.ts'

/** The exports of a topology file whose topology takes no settings. */
export interface TopologyModule<S extends RunningService> {
  readonly default: Topology
  readonly topics: readonly NewTopic[]
  readonly config: Partial<StreamsConfig>
  readonly service: (streams: KafkaStreams, context: ServiceContext) => Promise<S>
}

export interface TopologyAppOptions {
  readonly applicationId: string
  /** Default: one in memory, closed with the application. */
  readonly broker?: Broker
  /** Default: a temporary one. */
  readonly stateDir?: string
  readonly port?: number
}

/** A topology file as `millrace run` runs it, in this process, on a free port. */
export async function openTopologyApp<S extends RunningService & { readonly url: string }>(
  file: TopologyModule<S>,
  options: TopologyAppOptions,
) {
  const { applicationId, port = 0 } = options
  const closing: (() => Promise<void>)[] = []
  const broker = options.broker ?? (await openBroker('memory', { logger: silentLogger }))
  if (!options.broker) closing.unshift(() => broker.close())
  const stateDir = options.stateDir ?? (await temporaryDirectory())
  await createMissing(broker, file.topics)
  const config = { ...file.config, applicationId, stateDir }
  const streams = new KafkaStreams(file.default, config, { broker, logger: silentLogger })
  closing.unshift(() => streams.close())
  await streams.start()
  const own = new OpenedBroker(broker, systemClock)
  const around = { logger: silentLogger, clock: systemClock, host: '127.0.0.1', port }
  const service = await file.service(streams, {
    ...around,
    broker: own,
    serve: site => serveSite(site, around),
    stateDir,
    applicationId,
    settings: {},
    processIndex: 0,
  })
  closing.unshift(async () => service[Symbol.asyncDispose]())
  const request = async <T>(method: string, path: string, body?: unknown) => {
    const response = await fetch(service.url + path, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, body: (text === '' ? undefined : JSON.parse(text)) as T }
  }
  return {
    url: service.url,
    service,
    broker,
    streams,
    stateDir,
    request,
    get: async <T>(path: string) => (await request<T>('GET', path)).body,
    async [Symbol.asyncDispose]() {
      for (const close of closing) await close()
    },
  }
}

async function createMissing(broker: Broker, topics: readonly NewTopic[]): Promise<void> {
  const admin = await broker.admin()
  const present = await admin.describeTopics(topics.map(({ topic }) => topic))
  const missing = topics.filter(({ topic }) => !present.has(topic))
  if (missing.length > 0) await admin.createTopics(missing)
  await admin.close()
}
