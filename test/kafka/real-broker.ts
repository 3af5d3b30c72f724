import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brokerJars, missingForBroker } from './broker-jars.ts'
import { freePort, runKafkaTool, startBrokerProcess, type BrokerProcess } from './broker-process.ts'

export interface RealBrokerOptions {
  /**
   * Kept after `stop`, and opened again by a later start. Without it: a temporary folder, removed by `stop`.
   */
  readonly dataDirectory?: string
  /** Of the client listener. Default: a free one. Needed to start again under the same address. */
  readonly port?: number
  /** No progress lines. */
  readonly quiet?: boolean
  /** More listeners on loopback, beside the plaintext one of `brokers`. */
  readonly listeners?: readonly { readonly name: string; readonly protocol: string; readonly port: number }[]
  /** Users that the cluster knows from the start, as `kafka-storage format --add-scram` takes them. */
  readonly scramUsers?: readonly string[]
  /** Added to server.properties; the last word on each name. */
  readonly properties?: { readonly [name: string]: string }
}

export interface RealBroker {
  /** `127.0.0.1:PORT` */
  readonly brokers: string
  /** Of the JVM: for tests that stop and continue it. */
  readonly pid: number
  stop(): Promise<void>
}

/** Starts one Kafka node (KRaft, loopback only) and resolves when it accepts connections. */
export async function startRealBroker(options: RealBrokerOptions = {}): Promise<RealBroker> {
  const say = (line: string) => void (options.quiet || process.stderr.write(`kafka: ${line}\n`))
  const missing = await missingForBroker()
  if (missing) throw new Error(`No Kafka broker can be started here. ${missing}.`)
  const jars = await brokerJars(say)
  const directory = options.dataDirectory ?? (await mkdtemp(join(tmpdir(), 'millrace-kafka-')))
  await mkdir(directory, { recursive: true })
  try {
    const ports = await portsFor(directory, options.port)
    const node = await startIn(directory, ports, jars, options)
    say(`one node, listening on 127.0.0.1:${ports.client}, data in ${directory}`)
    return {
      brokers: `127.0.0.1:${ports.client}`,
      pid: node.pid,
      stop: () => stopNode(node, directory, options),
    }
  } catch (reason) {
    if (!options.dataDirectory) await rm(directory, { recursive: true, force: true })
    throw reason
  }
}

interface Ports {
  readonly client: number
  readonly controller: number
}

async function startIn(
  directory: string,
  ports: Ports,
  jars: string,
  { properties = {}, listeners = [], scramUsers = [] }: RealBrokerOptions,
): Promise<BrokerProcess> {
  const settings = {
    ...serverProperties(directory, ports),
    ...withListeners(ports, listeners),
    ...properties,
  }
  const file = join(directory, 'server.properties')
  await configure(jars, directory, settings, scramUsers)
  return startBrokerProcess({ jars, properties: file, port: ports.client, flags: ['-Xmx1g', '-XX:+UseG1GC'] })
}

/** A kept folder keeps its ports: clients and the node's own metadata know it by them. */
async function portsFor(directory: string, client: number | undefined): Promise<Ports> {
  const kept = await readFile(join(directory, 'server.properties'), 'utf8').catch(() => '')
  const [, keptClient, keptController] = /^listeners=\D+[\d.]+:(\d+),\D+[\d.]+:(\d+)$/m.exec(kept) ?? []
  return {
    client: client ?? (keptClient ? Number(keptClient) : await freePort()),
    controller: keptController ? Number(keptController) : await freePort(),
  }
}

async function stopNode(node: BrokerProcess, directory: string, options: RealBrokerOptions): Promise<void> {
  await node.stop()
  if (!options.dataDirectory) await rm(directory, { recursive: true, force: true })
}

async function configure(
  jars: string,
  directory: string,
  settings: { readonly [name: string]: string },
  scramUsers: readonly string[],
): Promise<void> {
  const properties = join(directory, 'server.properties')
  await writeProperties(properties, settings)
  if (existsSync(join(directory, 'data', 'meta.properties'))) return
  const clusterId = (await runKafkaTool(jars, ['kafka.tools.StorageTool', 'random-uuid'])).trim()
  const users = scramUsers.flatMap(user => ['--add-scram', user])
  const format = ['kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', properties, ...users]
  await runKafkaTool(jars, format)
}

/** As `name=value` lines. */
export async function writeProperties(
  path: string,
  properties: { readonly [name: string]: string },
): Promise<void> {
  const lines = Object.entries(properties).map(([name, value]) => `${name}=${value}\n`)
  await writeFile(path, lines.join(''))
}

function withListeners(
  { client, controller }: Ports,
  more: NonNullable<RealBrokerOptions['listeners']>,
): { [name: string]: string } {
  if (more.length === 0) return {}
  const advertised = [
    `PLAINTEXT://127.0.0.1:${client}`,
    ...more.map(each => `${each.name}://127.0.0.1:${each.port}`),
  ]
  const protocols = more.map(({ name, protocol }) => `${name}:${protocol}`)
  return {
    listeners: [...advertised, `CONTROLLER://127.0.0.1:${controller}`].join(','),
    'advertised.listeners': advertised.join(','),
    'listener.security.protocol.map': ['PLAINTEXT:PLAINTEXT', 'CONTROLLER:PLAINTEXT', ...protocols].join(','),
  }
}

/** One node of everything, and short times, so that tests see timeouts and evictions within seconds. */
function serverProperties(directory: string, { client, controller }: Ports): { [name: string]: string } {
  return {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${controller}`,
    listeners: `PLAINTEXT://127.0.0.1:${client},CONTROLLER://127.0.0.1:${controller}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${client}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'log.dirs': join(directory, 'data'),
    'num.partitions': '1',
    'auto.create.topics.enable': 'false',
    'delete.topic.enable': 'true',
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '4',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'transaction.state.log.num.partitions': '4',
    'share.coordinator.state.topic.replication.factor': '1',
    'share.coordinator.state.topic.min.isr': '1',
    'group.initial.rebalance.delay.ms': '0',
    'group.min.session.timeout.ms': '1000',
    'group.coordinator.rebalance.protocols': 'classic,consumer',
    // Of the protocol `consumer` (KIP-848): here the broker decides for its members, by default 5 s and 45 s.
    'group.consumer.heartbeat.interval.ms': '500',
    'group.consumer.min.heartbeat.interval.ms': '500',
    'group.consumer.session.timeout.ms': '5000',
    'group.consumer.min.session.timeout.ms': '5000',
    'transaction.abort.timed.out.transaction.cleanup.interval.ms': '500',
    'log.retention.ms': '-1',
    'log.segment.delete.delay.ms': '1000',
  }
}
