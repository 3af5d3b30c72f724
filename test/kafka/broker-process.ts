import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const START_MS_MAX = 60_000
const STOP_MS_MAX = 20_000

/** The JVM of one Kafka node. */
export interface BrokerProcess {
  readonly pid: number
  /** In order, by SIGTERM; by SIGKILL where that takes more than 20 s. */
  stop(): Promise<void>
  /** Resolves when the process is gone. */
  kill(): Promise<void>
  signal(name: NodeJS.Signals): void
}

export interface BrokerProcessOptions {
  /** Folder of the broker's jars. */
  readonly jars: string
  /** Path of its `server.properties`. */
  readonly properties: string
  /** Of the listener that answers when the node has started. */
  readonly port: number
  /** Of the JVM, before the class path. */
  readonly flags: readonly string[]
}

/**
 * The shell between ends the JVM when our end of its input closes, which also happens when this process is
 * killed: no broker outlives its owner, not even one that was stopped. Its first line is the JVM's process
 * id.
 */
const LEASH =
  'exec 3<&0; java "$@" </dev/null & pid=$!; echo $pid; ' +
  '{ cat <&3; kill -CONT $pid && kill $pid && sleep 20 && kill -KILL $pid; } >/dev/null 2>&1 & wait $pid'

/**
 * Resolves when the node accepts connections; rejects with its last words where it ends before, or takes a
 * minute.
 */
export async function startBrokerProcess(options: BrokerProcessOptions): Promise<BrokerProcess> {
  const { jars, properties, port, flags } = options
  const args = [...flags, ...classPath(jars), 'kafka.Kafka', properties]
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
  return {
    pid,
    signal: name => signal(pid, name),
    stop: () => endProcess(pid, shell, gone),
    kill: async () => {
      if (!hasEnded(shell)) signal(pid, 'SIGKILL')
      await gone
    },
  }
}

/** What one of Kafka's tools prints, run to its end. */
export function runKafkaTool(jars: string, args: readonly string[]): Promise<string> {
  const flags = ['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', ...classPath(jars)]
  return outputOf(spawn('java', [...flags, ...args], { stdio: ['ignore', 'pipe', 'pipe'] }))
}

/**
 * Below the range from which the system takes ports for outgoing connections: one of those would take it
 * before the JVM is up.
 */
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

function classPath(jars: string): string[] {
  return ['-cp', join(jars, '*'), '-Dorg.slf4j.simpleLogger.defaultLogLevel=error']
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null
}

async function endProcess(pid: number, shell: ChildProcess, gone: Promise<void>): Promise<void> {
  if (hasEnded(shell)) return
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
