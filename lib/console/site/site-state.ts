import type { Clock } from '../../common/clock.ts'

export type ProcessState = 'starting' | 'running' | 'restarting' | 'stopped'

export interface ProcessEnd {
  readonly exitCode: number | null
  readonly killedBy: string | null
}

/** A process of the site, as the page shows it. */
export interface ProcessView {
  readonly index: number
  readonly pid: number | null
  readonly state: ProcessState
  readonly startedMs: number
  /** How often it was started again. */
  readonly restarts: number
  readonly lastEnd: (ProcessEnd & { readonly atMs: number }) | null
}

/** What a process says about an application once its file is loaded. */
export interface LoadedApplication {
  readonly applicationId: string
  readonly title: string
  readonly description: string
  readonly problem: readonly string[]
  readonly hasService: boolean
}

export interface ApplicationView extends Omit<LoadedApplication, 'hasService'> {
  /** Path of its room, relative to the site; null where its file has no service. */
  readonly room: string | null
  /** That of its first process; `restarting` while that is away. */
  readonly state: string
  readonly processes: number
}

export interface SiteView {
  readonly version: string
  readonly brokers: string
  readonly startedMs: number
  readonly processes: readonly ProcessView[]
  readonly applications: readonly ApplicationView[]
  readonly canBreak: boolean
}

export interface SiteStateOptions {
  readonly version: string
  readonly brokers: string
  readonly processCount: number
  readonly canBreak: boolean
  readonly clock: Clock
}

/** The processes of a site, and what they have said of their applications. */
export class SiteState {
  readonly #options: SiteStateOptions
  readonly #startedMs: number
  readonly #processes: ProcessView[]
  readonly #applications = new Map<string, LoadedApplication>()
  /** States of applications by process and id. */
  readonly #states: Map<string, string>[]
  readonly #listeners = new Set<() => void>()
  #hasRun = false

  constructor(options: SiteStateOptions) {
    this.#options = options
    this.#startedMs = options.clock.nowMs()
    const places = Array.from({ length: options.processCount }, (_, index) => index)
    this.#states = places.map(() => new Map())
    this.#processes = places.map(index => ({
      index,
      pid: null,
      state: 'starting',
      startedMs: this.#startedMs,
      restarts: -1,
      lastEnd: null,
    }))
  }

  /** Whether every application has run, in some process: until then an end is a failed start. */
  get hasRun(): boolean {
    return this.#hasRun
  }

  get view(): SiteView {
    const { version, brokers, canBreak, processCount } = this.#options
    return {
      version,
      brokers,
      startedMs: this.#startedMs,
      processes: this.#processes.map(each => ({ ...each, restarts: Math.max(0, each.restarts) })),
      applications: [...this.#applications.values()].map(({ hasService, ...about }) => ({
        ...about,
        room: hasService ? `rooms/${encodeURIComponent(about.applicationId)}/` : null,
        state: this.#stateOf(about.applicationId),
        processes: processCount,
      })),
      canBreak,
    }
  }

  /** Returns what unsubscribes. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  started(index: number, pid: number | undefined): void {
    const before = this.#processes[index]!
    const startedMs = this.#options.clock.nowMs()
    this.#states[index]!.clear()
    const { restarts } = before
    this.#set(index, { pid: pid ?? null, state: 'starting', startedMs, restarts: restarts + 1 })
  }

  ended(index: number, end: ProcessEnd): void {
    this.#states[index]!.clear()
    const lastEnd = { ...end, atMs: this.#options.clock.nowMs() }
    this.#set(index, { pid: null, state: 'restarting', lastEnd })
  }

  stopped(): void {
    for (const { index } of this.#processes) this.#set(index, { state: 'stopped' })
  }

  loaded({ applicationId, title, description, problem, hasService }: LoadedApplication): void {
    this.#applications.set(applicationId, { applicationId, title, description, problem, hasService })
    this.#tell()
  }

  told(index: number, applicationId: string, state: string): void {
    const states = this.#states[index]!
    if (states.get(applicationId) === state) return
    states.set(applicationId, state)
    const ids = [...this.#applications.keys()]
    const allRun = ids.length > 0 && ids.every(id => states.get(id) === 'running')
    if (allRun) this.#hasRun = true
    const { state: before } = this.#processes[index]!
    if (allRun && before === 'starting') this.#set(index, { state: 'running' })
    else this.#tell()
  }

  #stateOf(applicationId: string): string {
    const first = this.#processes[0]!
    if (first.state === 'restarting') return 'restarting'
    return this.#states[0]!.get(applicationId) ?? 'created'
  }

  #set(index: number, change: Partial<ProcessView>): void {
    this.#processes[index] = { ...this.#processes[index]!, ...change }
    this.#tell()
  }

  #tell(): void {
    for (const listener of this.#listeners) listener()
  }
}
