import { spawn, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { OpenBrokerOptions } from '../../../lib/broker/open/open-broker.ts'
import type { StreamsConfig } from '../../../lib/streams/config.ts'
import type { LedgerOptions } from './ledger-topology.ts'
import type { StallOrder } from './stall-orders.ts'
import { until } from './until.ts'

const CHILD = fileURLToPath(new URL('application-child.ts', import.meta.url))
/** SIGTERM must have ended a process by then, whatever state its cluster is in. */
const CLOSE_MS_MAX = 40_000
const RUNNING_MS_MAX = 90_000

export interface ApplicationSpec {
  readonly brokers: string
  readonly prefix: string
  readonly config: StreamsConfig & { readonly clientId: string; readonly stateDir: string }
  readonly client?: NonNullable<OpenBrokerOptions['client']>
  readonly ledger?: LedgerOptions
  /** Takes orders for steps of the commit, too. */
  readonly probed?: boolean
}

/** A line of the process's standard output. */
export type ApplicationEvent = { readonly atMs: number } & (
  | { readonly event: 'state'; readonly state: string }
  | { readonly event: 'log'; readonly level: string; readonly message: string }
  /** An order is carried out from now on, at this step of the commit. */
  | { readonly event: 'stall'; readonly step: string | undefined }
  /** What ended the application; `crash` what ended the process, which nothing may. */
  | { readonly event: 'error'; readonly code: string; readonly class?: string; readonly message: string }
  | { readonly event: 'crash'; readonly message: string }
  | { readonly event: 'end' }
)

export type ApplicationError = Extract<ApplicationEvent, { readonly event: 'error' }>

/** One process of the ledger application, over one state directory, in one life after the other. */
export class Application {
  spec: ApplicationSpec
  readonly events: ApplicationEvent[] = []
  #child!: ChildProcess
  #ended!: Promise<void>
  #ending: string | undefined
  #stderr = ''
  /** Where the events of this life begin. */
  #lifeAt = 0
  /** Called at the next `stall`. */
  #stalling: (() => void) | undefined

  constructor(spec: ApplicationSpec) {
    this.spec = spec
    this.start()
  }

  get name(): string {
    return this.spec.config.clientId
  }

  /** How the process ended, or undefined while it lives. */
  get ending(): string | undefined {
    return this.#ending
  }

  /** The same with the error that ended it, in a line. */
  get epitaph(): string | undefined {
    if (this.#ending === undefined) return undefined
    const why = this.error ? `: ${this.error.code}: ${this.error.message}` : ''
    return `${this.name} has ended (${this.#ending})${why}`
  }

  get state(): string | undefined {
    return this.#life.findLast(each => each.event === 'state')?.state
  }

  /** What ended the application, in its last life. */
  get error(): ApplicationError | undefined {
    return this.#life.findLast(each => each.event === 'error')
  }

  /** Whether this life has come as far as to run. */
  get hasRun(): boolean {
    return this.#life.some(each => each.event === 'state' && each.state === 'running')
  }

  get #life(): readonly ApplicationEvent[] {
    return this.events.slice(this.#lifeAt)
  }

  /** A new life over the same state directory; `ledger` replaces what it had. */
  start(ledger?: LedgerOptions): void {
    if (ledger) this.spec = { ...this.spec, ledger }
    this.#ending = undefined
    this.#lifeAt = this.events.length
    const child = spawn(process.execPath, ['--import', 'tsx', CHILD, JSON.stringify(this.spec)], {
      stdio: 'pipe',
    })
    this.#child = child
    let rest = ''
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n')
      rest = lines.pop()!
      for (const line of lines) this.#take(JSON.parse(line) as ApplicationEvent)
    })
    // A process that has ended takes no orders.
    child.stdin.on('error', () => undefined)
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      this.#stderr = (this.#stderr + chunk).slice(-4000)
    })
    this.#ended = new Promise(resolve => {
      child.once('close', (code, signal) => {
        this.#ending = signal ?? `exit code ${code}`
        resolve()
      })
    })
  }

  /** Resolves when this life is running; throws where it ends before. */
  async running(): Promise<void> {
    await until(() => this.hasRun, {
      what: `${this.name} running`,
      limitMs: RUNNING_MS_MAX,
      giveUp: () => this.epitaph,
    })
  }

  /** Whether a line of its log, of one of these levels, matches. */
  said(pattern: RegExp, levels: readonly string[] = ['warn', 'error']): boolean {
    return this.events.some(
      each => each.event === 'log' && levels.includes(each.level) && pattern.test(each.message),
    )
  }

  /** Resolves when the process begins to carry the order out. */
  order(order: StallOrder): Promise<void> {
    const stalls = new Promise<void>(resolve => (this.#stalling = resolve))
    this.#child.stdin?.write(`${JSON.stringify(order)}\n`)
    return stalls
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name)
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGCONT')
    this.#child.kill('SIGKILL')
    await this.#ended
  }

  /**
   * By SIGTERM. Rejects where that does not end the process, or not in order, unless the application has
   * failed.
   */
  async close(): Promise<void> {
    this.#child.kill('SIGTERM')
    const killer = setTimeout(() => this.#child.kill('SIGKILL'), CLOSE_MS_MAX)
    await this.#ended
    clearTimeout(killer)
    if (this.#ending === 'SIGKILL') throw new Error(`${this.name} did not end on SIGTERM`)
    if (this.#ending !== 'exit code 0' && !this.error) throw new Error(this.epitaph)
  }

  #take(event: ApplicationEvent): void {
    if (event.event === 'stall') this.#stalling?.()
    else this.events.push(event)
  }

  /** For failures: what became of it and what it said, each once, with the seconds of its life. */
  account(): string {
    const startMs = this.events[0]?.atMs ?? 0
    const at = ({ atMs }: ApplicationEvent) => `${((atMs - startMs) / 1000).toFixed(1)} s`
    const said = new Map<string, ApplicationEvent[]>()
    for (const each of this.events) {
      const line = lineOf(each)
      if (line) said.set(line, [...(said.get(line) ?? []), each])
    }
    const states = this.events.flatMap(each => (each.event === 'state' ? `${each.state} ${at(each)}` : []))
    return [
      `${this.name}: ${this.#ending ?? 'alive'}; states ${states.slice(-STATES_SHOWN).join(' → ')}`,
      ...[...said]
        .slice(-LINES_SHOWN)
        .map(([line, times]) => `  ${times.length} × (${at(times[0]!)} … ${at(times.at(-1)!)}) ${line}`),
      ...(this.#stderr ? [`  stderr: ${this.#stderr.slice(-1500)}`] : []),
    ].join('\n')
  }
}

const STATES_SHOWN = 10
const LINES_SHOWN = 14

/** Without what differs between lines of a kind; undefined for what is no trouble. */
function lineOf(event: ApplicationEvent): string | undefined {
  const line = textOf(event)
  return line?.replaceAll(/\d{3,}/g, 'N').slice(0, 500)
}

function textOf(event: ApplicationEvent): string | undefined {
  if (event.event === 'log' && event.level !== 'info') return `${event.level} ${event.message}`
  if (event.event === 'crash') return `crash ${event.message}`
  if (event.event === 'error') return `error ${event.code}/${event.class}: ${event.message}`
  return undefined
}
