import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('../..', import.meta.url))

export interface ApplicationOptions {
  readonly brokers: string
  readonly stateDir: string
  readonly port: number
  readonly settings: readonly string[]
  /** Names of topologies; default: the contacts import. */
  readonly topologies?: readonly string[]
}

/**
 * `millrace run` of a topology, or several, as a process that can be killed and started again over the same
 * state.
 */
export class ApplicationProcess {
  readonly url: string
  readonly #options: ApplicationOptions
  #child: ChildProcess | undefined
  #errors = ''
  #isEnding = false
  #diedWith: string | undefined
  /** The most memory it was ever seen to use, over all its lives. */
  rssMbMax = 0

  constructor(options: ApplicationOptions) {
    this.#options = options
    this.url = `http://127.0.0.1:${options.port}`
  }

  /** What it has said on standard error, for failures. */
  get errors(): string {
    return this.#errors
  }

  start(): void {
    const { brokers, stateDir, port, settings, topologies = ['contacts-import'] } = this.#options
    const args = [
      'run',
      ...topologies.map(name => join(ROOT, 'topologies', `${name}.ts`)),
      '--brokers',
      brokers,
      '--state-dir',
      stateDir,
    ]
    const child = spawn(
      process.execPath,
      [join(ROOT, 'dist/cli/main.js'), ...args, ...settings.flatMap(pair => ['--set', pair])],
      {
        env: { ...process.env, PORT: String(port) },
        stdio: ['ignore', 'ignore', 'pipe'],
      },
    )
    child.stderr
      .setEncoding('utf8')
      .on('data', (text: string) => (this.#errors = (this.#errors + text).slice(-20_000)))
    this.#child = child
    this.#isEnding = false
    child.once('exit', (code, signal) => {
      if (!this.#isEnding)
        this.#diedWith = `the application ended by itself (${signal ?? code}):\n${this.#errors}`
    })
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  async stop(): Promise<number | null> {
    return this.#end('SIGTERM')
  }

  /**
   * The answer, or undefined while the process does not answer (it may be starting). Throws when it has ended
   * unasked.
   */
  async get<T>(path: string): Promise<T | undefined> {
    if (this.#diedWith !== undefined) throw new Error(this.#diedWith)
    this.#measure()
    try {
      const response = await fetch(this.url + path, { signal: AbortSignal.timeout(5_000) })
      return response.ok ? ((await response.json()) as T) : undefined
    } catch {
      return undefined
    }
  }

  async #end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#child
    this.#isEnding = true
    if (!child || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null
    const closed = once(child, 'exit') as Promise<[number | null]>
    child.kill(signal)
    return (await closed)[0]
  }

  #measure(): void {
    const pid = this.#child?.pid
    if (pid === undefined || process.platform !== 'linux') return
    try {
      const kilobytes = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
      this.rssMbMax = Math.max(this.rssMbMax, Math.round(Number(kilobytes) / 1000))
    } catch {
      // It has just died.
    }
  }
}
