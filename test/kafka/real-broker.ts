import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { brokerJars, missingForBroker } from './broker-jars.ts'

const START_MS_MAX = 60_000
const STOP_MS_MAX = 20_000

export interface RealBrokerOptions {
  /** Kept after `stop`, and opened again by a later start. Without it: a temporary folder, removed by `stop`. */
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
): Promise<Node> {
  const java = javaIn(jars, directory)
  const settings = {
    ...serverProperties(directory, ports),
    ...withListeners(ports, listeners),
    ...properties,
  }
  await configure(java, directory, settings, scramUsers)
  return java.start(ports.client)
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

async function stopNode(node: Node, directory: string, options: RealBrokerOptions): Promise<void> {
  await node.stop()
  if (!options.dataDirectory) await rm(directory, { recursive: true, force: true })
}

async function configure(
  java: Java,
  directory: string,
  settings: { readonly [name: string]: string },
  scramUsers: readonly string[],
): Promise<void> {
  const properties = join(directory, 'server.properties')
  await writeFile(
    properties,
    Object.entries(settings)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
  )
  if (existsSync(join(directory, 'data', 'meta.properties'))) return
  const clusterId = (await java.tool('kafka.tools.StorageTool', 'random-uuid')).trim()
  const users = scramUsers.flatMap(user => ['--add-scram', user])
  await java.tool('kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', properties, ...users)
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

interface Node {
  readonly pid: number
  stop(): Promise<void>
}

interface Java {
  tool(...args: readonly string[]): Promise<string>
  start(port: number): Promise<Node>
}

function javaIn(jars: string, directory: string): Java {
  const flags = ['-cp', join(jars, '*'), '-Dorg.slf4j.simpleLogger.defaultLogLevel=error']
  return {
    tool: (...args) =>
      outputOf(spawn('java', ['-Xmx256m', ...flags, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })),
    start: async port => {
      const args = ['-Xmx1g', '-XX:+UseG1GC', ...flags, 'kafka.Kafka', join(directory, 'server.properties')]
      return startNode(args, port)
    },
  }
}

/**
 * The shell between ends the JVM when our end of its input closes, which also happens when this process is killed: no broker
 * outlives its owner. Its first line is the JVM's process id.
 */
const LEASH =
  'exec 3<&0; java "$@" </dev/null & pid=$!; echo $pid; { cat <&3 >/dev/null; kill $pid 2>/dev/null; } & wait $pid'

async function startNode(args: readonly string[], port: number): Promise<Node> {
  // A process group of its own: Ctrl-C is for us, and we stop the JVM in order.
  const shell = spawn('sh', ['-c', LEASH, 'sh', ...args], { stdio: 'pipe', detached: true })
  const gone = new Promise<void>(resolve => void shell.once('exit', () => resolve()))
  let tail = ''
  let pid = 0
  const remember = (chunk: Buffer) => {
    tail = (tail + chunk.toString()).slice(-6000)
    if (pid === 0) pid = Number.parseInt(tail, 10) || 0
  }
  shell.stdout.on('data', remember)
  shell.stderr.on('data', remember)
  shell.once('exit', () => shell.stdin.destroy())
  const ready = await Promise.race([answers(port), gone.then(() => false)])
  if (!ready) {
    shell.stdin.destroy()
    throw new Error(`Kafka did not start on 127.0.0.1:${port}. Its last words:\n${tail}`)
  }
  return { pid, stop: () => endNode(pid, shell, gone) }
}

async function endNode(pid: number, shell: ChildProcess, gone: Promise<void>): Promise<void> {
  if (shell.exitCode !== null || shell.signalCode !== null) return
  // A test may have left the JVM stopped; a stopped process does not take SIGTERM.
  signal(pid, 'SIGCONT')
  signal(pid, 'SIGTERM')
  const killer = setTimeout(() => signal(pid, 'SIGKILL'), STOP_MS_MAX)
  await gone
  clearTimeout(killer)
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // Gone already, which is what the caller is after.
  }
}

async function answers(port: number): Promise<boolean> {
  const deadline = Date.now() + START_MS_MAX
  while (Date.now() < deadline) {
    if (await accepts(port)) return true
    await sleep(50)
  }
  return false
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  return new Promise(resolve => {
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
  }).then(answer => {
    socket.destroy()
    return answer === true
  })
}

/** Below the range from which the system takes ports for outgoing connections: one of those would take it before the JVM is up. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000)
    const server = createServer()
    const free = await new Promise<boolean>(resolve => {
      server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true))
    })
    await new Promise(resolve => server.close(resolve))
    if (free) return port
  }
}

async function outputOf(child: ChildProcess): Promise<string> {
  let output = ''
  let errors = ''
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()))
  child.stderr?.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  if (code !== 0)
    throw new Error(`${child.spawnargs.slice(-6).join(' ')} failed (exit code ${code}): ${errors || output}`)
  return output
}
