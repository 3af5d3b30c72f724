import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brokerJars, missingForBroker } from '../broker-jars.ts'
import { freePort, runKafkaTool, startBrokerProcess, type BrokerProcess } from '../broker-process.ts'
import { writeProperties } from '../real-broker.ts'
import { makeCertificate } from '../support/certificate.ts'
import { NODE_IDS, type Cluster, type ClusterAddresses } from './cluster.ts'
import type { NodeAction, NodeId } from './cluster.ts'
import { nodeProperties, type NodePorts } from './node-properties.ts'

const CLUSTER_ID = 'MkU3OEVBNTcwNTJENDM2Qg'
/** Small: the nodes see some hundred records a second. */
const FLAGS = ['-Xmx400m', '-Xms64m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1']

/** Three nodes whose processes are this one's: they end with it. */
export class LocalCluster implements Cluster {
  readonly addresses: ClusterAddresses
  readonly #directory: string
  readonly #jars: string
  readonly #ports: ReadonlyMap<NodeId, NodePorts>
  readonly #processes = new Map<NodeId, BrokerProcess>()

  private constructor(
    directory: string,
    jars: string,
    ports: ReadonlyMap<NodeId, NodePorts>,
    addresses: ClusterAddresses,
  ) {
    this.#directory = directory
    this.#jars = jars
    this.#ports = ports
    this.addresses = addresses
  }

  /** Formats and starts three nodes in a temporary folder, which `stop` removes. */
  static async start(say: (line: string) => void): Promise<LocalCluster> {
    const missing = await missingForBroker()
    if (missing) throw new Error(`No Kafka cluster can be started here. ${missing}.`)
    const startMs = performance.now()
    const jars = await brokerJars(say)
    const directory = await mkdtemp(join(tmpdir(), 'millrace-cluster-'))
    const cluster = await LocalCluster.#format(directory, jars)
    try {
      await Promise.all(NODE_IDS.map(node => cluster.act('start', node)))
    } catch (reason) {
      await cluster.stop()
      throw reason
    }
    const seconds = Math.round((performance.now() - startMs) / 1000)
    say(`a cluster of three after ${seconds} s: ${cluster.addresses.brokers}, data in ${directory}`)
    return cluster
  }

  static async #format(directory: string, jars: string): Promise<LocalCluster> {
    const [certificate, strange] = await Promise.all([
      makeCertificate(directory),
      makeCertificate(directory, 'strange'),
    ])
    const ports = new Map<NodeId, NodePorts>()
    for (const node of NODE_IDS) ports.set(node, await freePorts())
    const format = ['kafka.tools.StorageTool', 'format', '-t', CLUSTER_ID]
    await Promise.all(
      NODE_IDS.map(async node => {
        const folder = join(directory, `node-${node}`)
        await mkdir(folder)
        const file = join(folder, 'server.properties')
        await writeProperties(file, nodeProperties({ node, folder, ports, certificate }))
        await runKafkaTool(jars, [...format, '-c', file])
      }),
    )
    const addresses = addressesOf(ports, certificate.authority, strange.authority)
    return new LocalCluster(directory, jars, ports, addresses)
  }

  async act(action: NodeAction, node: NodeId): Promise<void> {
    const process = this.#processes.get(node)
    if (action === 'start') return process ? undefined : this.#start(node)
    if (!process) return
    if (action === 'freeze') return process.signal('SIGSTOP')
    if (action === 'continue') return process.signal('SIGCONT')
    await (action === 'stop' ? process.stop() : process.kill())
    this.#processes.delete(node)
  }

  /** For good. The data are of no more use: nothing is stopped in order. */
  async stop(): Promise<void> {
    await Promise.all(NODE_IDS.map(node => this.act('kill', node)))
    await rm(this.#directory, { recursive: true, force: true, maxRetries: 5 })
  }

  async #start(node: NodeId): Promise<void> {
    const properties = join(this.#directory, `node-${node}`, 'server.properties')
    const port = this.#ports.get(node)!.client
    const started = startBrokerProcess({ jars: this.#jars, properties, port, flags: FLAGS })
    this.#processes.set(node, await started)
  }
}

async function freePorts(): Promise<NodePorts> {
  const [client, controller, proxied, advertised, secured] = [
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
  ]
  return { client, controller, proxied, advertised, secured }
}

function addressesOf(
  ports: ReadonlyMap<NodeId, NodePorts>,
  authority: string,
  strangeAuthority: string,
): ClusterAddresses {
  const list = (name: 'client' | 'secured') =>
    [...ports.values()].map(each => `127.0.0.1:${each[name]}`).join(',')
  const proxied = [...ports].map(([node, each]) => ({
    node,
    port: each.proxied,
    advertisedPort: each.advertised,
  }))
  return { brokers: list('client'), proxied, secured: list('secured'), authority, strangeAuthority }
}
