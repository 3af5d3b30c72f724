import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { StreamsConfig } from '../../../lib/streams/config.ts'
import { Application, type ApplicationSpec } from './application.ts'
import { reviveAll, type Cluster } from './cluster.ts'
import { OUTPUTS, troublesOf, type Allowances, type OutputName, type Outputs } from './ledger.ts'
import type { Proxy } from './proxy.ts'
import { partitionOf, recoveryOf, recoveryText, type Recovery } from './recovery.ts'
import { until } from './until.ts'
import type { Arrival, FeedRequest, Witness, WitnessedRecord } from './witness.ts'

export const PARTITIONS = 4
const KEYS = 100
const PER_SECOND = 200
/** A fault may show only when the broker or the group has given somebody up: after 9 s and 6 s. */
const OBSERVED_MS = 15_000
/** Output that has not come by then does not come. */
const QUIET_MS_MAX = 30_000
const SETTLE_MS_MAX = 600_000
const BACK_MS = 60_000

let made = 0

/** What all scenarios share. */
export interface Environment {
  readonly cluster: Cluster
  readonly witness: Witness
  readonly proxy: Proxy
  readonly say: (line: string) => void
  /**
   * Factor of the times by which scenarios must be back: 1 where the claims are tried, on a quiet machine;
   * more where other tests run beside, and only what hangs is to be found.
   */
  readonly patience: number
}

export interface StartOptions {
  readonly count?: number
  readonly brokers?: string
  readonly client?: NonNullable<ApplicationSpec['client']>
  readonly ledger?: NonNullable<ApplicationSpec['ledger']>
  readonly config?: Partial<StreamsConfig>
  /** What is special about one process. */
  readonly special?: (name: string) => Partial<ApplicationSpec>
}

export interface MeasureOptions {
  /** By when every partition must be back, from the fault or from when the cluster had healed. */
  readonly limitMs: number
  /** Resolves when the cluster itself has healed: no application can be back before. */
  readonly healed?: () => Promise<void>
  /** The moment from which time counts: before the fault (the default), or when `fault` has resolved. */
  readonly from?: 'start' | 'end'
  /** The process that the fault ends. */
  readonly without?: Application
}

/**
 * One application on the cluster, in one scenario: its topics, its processes, the input that flows, and the
 * verdict.
 */
export class Stage {
  readonly cluster: Cluster
  readonly witness: Witness
  /** Before the brokers, for `StartOptions.brokers`. */
  readonly proxy: Proxy
  readonly applicationId: string
  readonly prefix: string
  readonly applications: Application[] = []
  readonly recoveries: Recovery[] = []
  /** Processes whose end is no surprise. */
  readonly doomed = new Set<Application>()
  readonly #say: (line: string) => void
  readonly #patience: number
  #directory = ''
  readonly #arrivals: Arrival[] = []
  #fed = 0
  #flows = false

  constructor({ cluster, witness, proxy, say, patience }: Environment, name: string) {
    this.#patience = patience
    this.cluster = cluster
    this.witness = witness
    this.proxy = proxy
    this.#say = line => say(`${name}: ${line}`)
    this.applicationId = `${name}-${process.pid}-${(made += 1)}`
    this.prefix = `${this.applicationId}.`
  }

  say(line: string): void {
    this.#say(line)
  }

  /** How many keys the input and the table have: `k-0` and so on. */
  get keys(): number {
    return KEYS
  }

  topic(name: OutputName | 'in' | 'table'): string {
    return `${this.prefix}${name}`
  }

  /** Name of an internal topic. */
  internal(name: string): string {
    return `${this.applicationId}-${name}`
  }

  async prepare(): Promise<void> {
    this.#directory = await mkdtemp(join(tmpdir(), 'millrace-cluster-app-'))
    for (const name of ['in', ...OUTPUTS] as const)
      await this.witness.createTopic(this.topic(name), PARTITIONS)
    await this.witness.createTopic(this.topic('table'), PARTITIONS, { 'cleanup.policy': 'compact' })
    await this.witness.fill(this.topic('table'), KEYS, 'row')
    await this.witness.watch(OUTPUTS.map(name => this.topic(name)))
  }

  /** Does not wait until they run. */
  launch({ count = 2, brokers, client, ledger, config, special }: StartOptions = {}): void {
    for (const name of ['a', 'b', 'c'].slice(0, count)) {
      const stateDir = join(this.#directory, name)
      const { applicationId, prefix } = this
      const spec = {
        brokers: brokers ?? this.cluster.addresses.brokers,
        prefix,
        config: { applicationId, clientId: name, stateDir, cacheBytesMax: 0, ...config },
        ...(client ? { client } : {}),
        ...(ledger ? { ledger } : {}),
        ...special?.(name),
      }
      this.applications.push(new Application(spec))
    }
  }

  /** Two processes, unless `count` says otherwise, and input; resolves when output flows. */
  async start(options: StartOptions = {}): Promise<void> {
    this.launch(options)
    await this.running()
    await this.feed()
    await this.flowing()
  }

  /** Resolves when all processes run, and share the work. */
  async running(): Promise<void> {
    await Promise.all(this.applications.map(each => each.running()))
    const members = async () =>
      (await this.witness.groupMembers(this.applicationId)) === this.applications.length
    await until(members, { what: 'a member for each process', limitMs: BACK_MS })
  }

  /** Resolves when so much output has come that every partition that will ever have some has had some. */
  async flowing(): Promise<void> {
    const enough = async () => {
      await this.#look()
      return OUTPUTS.every(name => this.#count(name) >= 2 * KEYS)
    }
    await until(enough, { what: 'output', limitMs: BACK_MS, giveUp: () => this.dead() }).catch(
      async (reason: unknown) => {
        const counts = await Promise.all(
          OUTPUTS.map(async name => {
            const ends = await this.witness.ends(this.topic(name))
            return `${name} ${this.#count(name)} of ${ends.join(' ')}`
          }),
        )
        throw new Error(`${(reason as Error).message}; seen: ${counts.join(', ')}`, { cause: reason })
      },
    )
    this.say('output flows')
  }

  /** Steady input until `stopFeed`. */
  async feed(): Promise<void> {
    await this.#feed({ perSecond: PER_SECOND, total: Number.MAX_SAFE_INTEGER / 2, ballastBytes: 0 })
  }

  /** So many records at once, each with so many bytes that mean nothing. */
  async feedBurst(total: number, ballastBytes = 0): Promise<void> {
    await this.#feed({ perSecond: 1_000_000, total, ballastBytes })
    const all = async () => (await this.witness.fed()).acknowledged === total
    await until(all, { what: 'the burst', limitMs: BACK_MS })
    await this.stopFeed()
  }

  async #feed(how: Pick<FeedRequest, 'perSecond' | 'total' | 'ballastBytes'>): Promise<void> {
    await this.witness.feed({ topic: this.topic('in'), keys: KEYS, from: this.#fed, ...how })
    this.#flows = true
  }

  async stopFeed(): Promise<void> {
    if (!this.#flows) return
    this.#flows = false
    const { sent, failures } = await this.witness.stopFeed()
    if (failures.length > 0) throw new Error(`the feed, not the application: ${failures.join('; ')}`)
    this.#fed += sent
  }

  /** All that was fed while the input had its present topic, as far as retention has left it. */
  inputs(): Promise<WitnessedRecord[]> {
    return this.witness.read(this.topic('in'))
  }

  /**
   * Commits a fault under load and waits until every partition has output of inputs that were written after
   * it, and then for what shows later only. Rejects where that takes longer than the limit.
   */
  async measure(label: string, fault: () => Promise<void>, options: MeasureOptions): Promise<void> {
    const startMs = Date.now()
    await fault()
    const faultMs = options.from === 'end' ? Date.now() : startMs
    this.say(label)
    this.doomed.clear()
    if (options.without) this.doomed.add(options.without)
    const limitMs = options.limitMs * this.#patience
    let healedMs: number | undefined
    const healing = options.healed?.().then(() => (healedMs = Date.now() - faultMs))
    const failed = await this.untilOutputOf(faultMs, limitMs + BACK_MS)
      .then(() => this.untilOutputOf(faultMs + OBSERVED_MS, limitMs + BACK_MS))
      .then(() => healing)
      .then(() => undefined)
      .catch((reason: unknown) => reason)
    const seen = recoveryOf({ label, atMs: faultMs }, this.#partitions, this.#arrivals, Date.now())
    const recovery = { ...seen, healedMs }
    this.recoveries.push(recovery)
    this.say(recoveryText(recovery))
    if (failed) throw failed as Error
    if (recovery.gapMs - (healedMs ?? 0) > limitMs)
      throw new Error(`${recoveryText(recovery)}: it must be back within ${limitMs / 1000} s`)
  }

  /**
   * Resolves when every partition that ever had output shows some of an input that was written after this
   * moment.
   */
  async untilOutputOf(sinceMs: number, limitMs = BACK_MS): Promise<void> {
    const back = async () => {
      await this.#look()
      const fault = { label: '', atMs: sinceMs }
      return recoveryOf(fault, this.#partitions, this.#arrivals, sinceMs).allMs !== undefined
    }
    await until(back, { what: 'output of every partition', limitMs, giveUp: () => this.dead() })
  }

  /**
   * Ends the feed, waits for the output, ends the processes, and compares. Default `inputs`: what is in the
   * topic.
   */
  async expectExact(allowances: Allowances = {}, inputs?: readonly WitnessedRecord[]): Promise<void> {
    await this.stopFeed()
    const all = inputs ?? (await this.inputs())
    await this.settled(all.length, allowances)
    await this.closeAll()
    const troubles = troublesOf(all, await this.outputs(), allowances)
    if (troubles.length > 0) throw new Error(`not exact:\n${troubles.join('\n')}`)
    this.say(`exact: ${all.length} inputs`)
  }

  /** Resolves when there is as much output as there must be, or no more comes. */
  async settled(wanted: number, { endOnly = [], short = [] }: Allowances = {}): Promise<void> {
    const partial: readonly OutputName[] = [...endOnly, ...short]
    const names = OUTPUTS.filter(name => !partial.includes(name))
    let last = { count: -1, atMs: Date.now() }
    const settled = async () => {
      await this.#look()
      const count = this.#arrivals.length
      if (count !== last.count) last = { count, atMs: Date.now() }
      if (this.dead() !== undefined) return true
      const all = partial.length === 0 && names.every(name => this.#count(name) >= wanted)
      return all || Date.now() - last.atMs > QUIET_MS_MAX
    }
    await until(settled, { what: 'the rest of the output', limitMs: SETTLE_MS_MAX })
  }

  /** Ends the processes, in order where they live. */
  async closeAll(): Promise<void> {
    for (const each of this.applications) await each.close()
    if (this.applications.some(each => each.events.some(({ event }) => event === 'crash')))
      throw new Error('a process has crashed')
  }

  /** The same processes again, on their disks; resolves when they run. `ledger` replaces what they had. */
  async restart(ledger?: StartOptions['ledger']): Promise<void> {
    for (const each of this.applications) each.start(ledger)
    await this.running()
  }

  /**
   * Where both are right: all inputs come out exactly, or the application has ended by an error that says
   * this.
   */
  async exactOrEnded(inputs: readonly WitnessedRecord[], patterns: readonly RegExp[]): Promise<void> {
    await this.settled(inputs.length)
    if (this.dead() === undefined) return this.expectExact({}, inputs)
    await this.expectEnd(BACK_MS, patterns)
  }

  async outputs(): Promise<Outputs> {
    const lists = await Promise.all(
      OUTPUTS.map(async name => [name, await this.witness.read(this.topic(name))]),
    )
    return Object.fromEntries(lists) as Outputs
  }

  /** Waits until every process has ended by itself, and looks at the errors that ended them. */
  async expectEnd(limitMs: number, patterns: readonly RegExp[]): Promise<void> {
    await until(() => this.applications.every(each => each.ending !== undefined), {
      what: 'the end of the application',
      limitMs: limitMs * this.#patience,
    })
    for (const each of this.applications) {
      const { code, message } = each.error ?? {}
      if (code === undefined) throw new Error(`${each.name} ended without an error that says why`)
      for (const pattern of patterns)
        if (!pattern.test(`${code} ${message}`))
          throw new Error(`"${code} ${message}" does not say ${pattern}`)
    }
    this.say(`ended: ${this.applications[0]?.error?.code}: ${this.applications[0]?.error?.message}`)
  }

  /** Removes the state of all processes, which must not run. */
  async removeState(): Promise<void> {
    for (const { spec } of this.applications) await rm(spec.config.stateDir, { recursive: true, force: true })
  }

  /** What is to say of a process that has ended. */
  dead(): string | undefined {
    return this.applications.find(each => each.ending !== undefined && !this.doomed.has(each))?.epitaph
  }

  /** For failures: what the cluster says, which is not what its output shows. */
  async account(): Promise<string> {
    const say = async (what: string, ask: Promise<unknown>) =>
      ask.then(
        answer => `${what}: ${JSON.stringify(answer)}`,
        (reason: unknown) => `${what}: ${String(reason)}`,
      )
    const mine = async () =>
      Object.entries(await this.witness.transactions())
        .filter(([id]) => id.startsWith(this.applicationId))
        .map(([, state]) => state)
    return [
      await say('  ends of the input', this.witness.ends(this.topic('in'))),
      await say('  committed', this.witness.committed(this.applicationId)),
      await say('  ends of an output for who reads committed', this.witness.ends(this.topic('seen'))),
      await say('  transactions', mine()),
    ].join('\n')
  }

  async close(): Promise<void> {
    await Promise.all(this.applications.map(each => each.kill()))
    this.proxy.reset()
    await reviveAll(this.cluster)
    await this.stopFeed().catch(() => undefined)
    const mine = async () =>
      (await this.witness.topics()).filter(topic => topic.startsWith(this.applicationId))
    await this.witness.deleteTopics(await mine()).catch(() => undefined)
    await rm(this.#directory, { recursive: true, force: true, maxRetries: 5 })
  }

  get #partitions(): ReadonlySet<string> {
    return new Set(this.#arrivals.map(partitionOf))
  }

  async #look(): Promise<void> {
    this.#arrivals.push(...(await this.witness.seen(this.#arrivals.length)))
  }

  #count(name: OutputName): number {
    const topic = this.topic(name)
    return this.#arrivals.reduce((sum, each) => (each.topic === topic ? sum + each.count : sum), 0)
  }
}
