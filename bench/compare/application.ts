import { spawn, type ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ProcessingGuarantee } from '../../lib/index.ts'
import type { CompareName } from './names.ts'

/** What a side is told to run; everything that is not here is left as it is by default. */
export interface ApplicationSpec {
  /** A topology's name, as both sides know it. */
  readonly workload: string
  readonly guarantee: ProcessingGuarantee
  readonly brokers: string
  /** Names the group and the internal topics. */
  readonly applicationId: string
  readonly stateDir: string
  readonly input: string
  readonly right: string
  readonly output: string
  readonly commitMs: number
  readonly cacheBytes: number
}

/** One of the programs that are compared: how it is started as a process of its own. */
export interface Side {
  readonly name: SideName
  readonly title: string
  /** What it can take part in; everything if left out. */
  readonly names?: readonly CompareName[]
  command(spec: ApplicationSpec): Command
}

export type SideName = 'millrace' | 'jvm' | 'quix'

export interface Command {
  readonly program: string
  readonly args: readonly string[]
}

const STOP_MS_MAX = 30_000
const TAIL_LENGTH = 6000

/**
 * An application in a process of its own. It ends with this process, too, however that ends: one side watches
 * its standard input, the other its channel.
 */
export class Application {
  readonly startedMs = performance.now()
  readonly #child: ChildProcess
  readonly #gone: Promise<void>
  readonly #title: string
  #tail = ''
  #ending: string | undefined
  #isStopping = false

  constructor(title: string, { program, args }: Command) {
    this.#title = title
    this.#child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe', 'ipc'] })
    const remember = (chunk: Buffer) => {
      this.#tail = (this.#tail + chunk.toString()).slice(-TAIL_LENGTH)
    }
    this.#child.stdout?.on('data', remember)
    this.#child.stderr?.on('data', remember)
    this.#gone = new Promise(resolve => {
      this.#child.once('error', error => resolve(void (this.#ending = error.message)))
      this.#child.once('close', (code, signal) =>
        resolve(void (this.#ending ??= signal ?? `exit code ${code}`)),
      )
    })
  }

  /** Throws if the process has ended by itself, with its last words. */
  assertAlive(): void {
    if (this.#ending === undefined || this.#isStopping) return
    throw new Error(`${this.#title} has ended (${this.#ending}). Its last words:\n${this.#tail}`)
  }

  /**
   * The most memory it has had resident so far, with the processes that it has started, in bytes; undefined
   * where the system does not tell (it is read from /proc).
   */
  peakRssBytes(): number | undefined {
    return this.#child.pid === undefined ? undefined : peakRssOf(this.#child.pid)
  }

  /** Asks it to close, and waits; kills it where it does not. */
  async stop(): Promise<void> {
    this.#isStopping = true
    this.#child.kill('SIGTERM')
    const patience = new AbortController()
    const killing = sleep(STOP_MS_MAX, undefined, { signal: patience.signal }).then(
      () => this.#child.kill('SIGKILL'),
      () => undefined,
    )
    await this.#gone
    patience.abort()
    await killing
  }

  async kill(): Promise<void> {
    this.#isStopping = true
    this.#child.kill('SIGKILL')
    await this.#gone
  }
}

function peakRssOf(pid: number): number | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    const kibibytes = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]
    if (kibibytes === undefined) return undefined
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean)
    return children.reduce((sum, child) => sum + (peakRssOf(Number(child)) ?? 0), Number(kibibytes) * 1024)
  } catch {
    return undefined
  }
}
