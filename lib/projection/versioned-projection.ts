import type { OpenedBroker } from '../broker/open/opened-broker.ts'
import type { TopicHandle } from '../broker/open/topic-handle.ts'
import { systemClock, type Clock } from '../common/clock.ts'
import { errorFrom, StreamsError } from '../common/errors/errors.ts'
import { consoleLogger, type Logger } from '../common/logger.ts'
import { serdes } from '../serde/serdes.ts'
import type { KafkaStreams } from '../streams/kafka-streams.ts'
import { ProjectionVersion, type ProjectionDefinition } from './projection-version.ts'
import { ReadGate } from './read-gate.ts'
import type { Staleness } from './staleness-monitor.ts'

export interface VersionedProjectionOptions {
  /** Begins the application ids, `<name>-<version>`, and names the topic of the pointer, `<name>-version`. */
  readonly name: string
  /** The version to begin with, where the pointer names none yet. */
  readonly version: string
  /** Says what a version is. Called once for each that this process runs. */
  readonly define: (version: string) => ProjectionDefinition
  readonly broker: OpenedBroker
  /** How long reads are held back at most, while the last records come. Default 1,000 milliseconds. */
  readonly holdMs?: number
  readonly clock?: Clock
  readonly logger?: Logger
}

export interface BuildingVersion extends Staleness {
  readonly version: string
}

const HOLD_MS = 1_000
const AGAIN_MS = 200
const KEY = 'version'

interface Follower {
  readonly offset: number
  readonly settle: (error: Error | undefined) => void
}

/**
 * A projection that is built anew beside the one that serves. Which version serves is a record of a compacted
 * topic that every process follows: it builds that version if it has not, and switches when it has caught up.
 * Reads come from the old one until then, and a process never shows an older state after the switch than
 * before it.
 */
export class VersionedProjection implements AsyncDisposable {
  readonly #options: VersionedProjectionOptions
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #pointer: TopicHandle<string, string>
  readonly #gate = new ReadGate()
  readonly #versions = new Map<string, Promise<ProjectionVersion>>()
  readonly #stop = new AbortController()
  readonly #followers = new Set<Follower>()
  #current!: ProjectionVersion
  #previous: string | undefined
  #building: ProjectionVersion | undefined
  /** The last record of the pointer's topic that was acted on. */
  #offset = -1
  /** What kept this process from acting on it. */
  #failure: Error | undefined
  #following: Promise<void> = Promise.resolve()

  private constructor(options: VersionedProjectionOptions) {
    const { name, broker, clock = systemClock, logger = consoleLogger() } = options
    this.#options = options
    this.#clock = clock
    this.#logger = logger
    this.#pointer = broker.topic(`${name}-version`, {
      keySerde: serdes.string(),
      valueSerde: serdes.string(),
    })
  }

  /** Resolves when the version that the pointer names runs. */
  static async open(options: VersionedProjectionOptions): Promise<VersionedProjection> {
    const projection = new VersionedProjection(options)
    await projection.#ensurePointer()
    let { version } = options
    for await (const { offset, value } of projection.#pointer.records({ follow: false })) {
      projection.#offset = offset
      version = value ?? version
    }
    projection.#current = await projection.#run(version)
    projection.#following = projection.#follow()
    return projection
  }

  /** The version that reads come from, in this process. */
  get version(): string {
    return this.#current.version
  }

  /** The version that is catching up, and how far it is; undefined where none is. */
  get building(): BuildingVersion | undefined {
    return this.#building && { version: this.#building.version, ...this.#building.monitor.now }
  }

  get staleness(): Staleness {
    return this.#current.monitor.now
  }

  /**
   * Reads from the version that serves. While a switch waits for its last records a read waits with it, at
   * most `holdMs`.
   */
  read<T>(read: (streams: KafkaStreams) => T | Promise<T>): Promise<T> {
    return this.#gate.pass(() => read(this.#current.streams))
  }

  /** Begins to build a version in this process, without switching to it. Resolves when it runs. */
  async build(version: string): Promise<void> {
    const built = await this.#run(version)
    if (built !== this.#current) this.#building = built
  }

  /**
   * Has all processes switch, each when it has caught up. Resolves when this one has; rejects with what keeps
   * it from running that version, and stays with the present one then.
   */
  async switchTo(version: string): Promise<void> {
    // A version that cannot run is not to be what the other processes are told to become.
    await this.#run(version)
    const { offset } = await this.#pointer.put(KEY, version)
    const error = await new Promise<Error | undefined>(settle => {
      if (this.#offset >= offset) return settle(this.#failure)
      this.#followers.add({ offset, settle })
    })
    if (error) throw error
  }

  /** Switches back to the version before the present one, which goes on running until it is removed. */
  async rollBack(): Promise<void> {
    if (this.#previous !== undefined) return this.switchTo(this.#previous)
    throw new StreamsError('VERSION_UNKNOWN', `projection ${this.#options.name} has not switched yet`)
  }

  /** Ends a version that does not serve, and deletes its topics, its group and its state on this machine. */
  async remove(version: string): Promise<void> {
    if (version === this.version) {
      throw new StreamsError('VERSION_IN_USE', `version ${version} serves: switch to another one first`)
    }
    const running = await this.#run(version)
    this.#versions.delete(version)
    if (this.#building === running) this.#building = undefined
    if (this.#previous === version) this.#previous = undefined
    await running.remove()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    const running = await Promise.allSettled(this.#versions.values())
    for (const each of running) if (each.status === 'fulfilled') await each.value.close()
    await this.#following
    this.#gate.open()
    const closed = new StreamsError('CLOSED', 'the projection is closed')
    for (const { settle } of this.#followers) settle(closed)
  }

  async #ensurePointer(): Promise<void> {
    const { topic } = this.#pointer
    const admin = await this.#options.broker.admin()
    try {
      if ((await admin.describeTopics([topic])).has(topic)) return
      await admin.createTopics([{ topic, partitionCount: 1, config: { 'cleanup.policy': 'compact' } }])
    } catch (error) {
      // Another process may have been quicker.
      if (!(await admin.describeTopics([topic])).has(topic)) throw error
    } finally {
      await admin.close()
    }
  }

  #run(version: string): Promise<ProjectionVersion> {
    const known = this.#versions.get(version)
    if (known) return known
    const { name, define, broker } = this.#options
    const parts = { broker, clock: this.#clock, logger: this.#logger }
    const started = (async () =>
      ProjectionVersion.start(version, `${name}-${version}`, define(version), parts))()
    this.#versions.set(version, started)
    started.catch(() => this.#versions.delete(version))
    return started
  }

  async #follow(): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      try {
        for await (const { offset, value } of this.#pointer.records({ signal })) {
          if (offset > this.#offset) await this.#act(offset, value)
        }
      } catch (error) {
        this.#logger.log('warn', `projection ${this.#options.name} cannot read its pointer; it tries again`, {
          error,
        })
        await this.#clock.sleep(AGAIN_MS, signal)
      }
    }
  }

  async #act(offset: number, version: string | null): Promise<void> {
    const error = version === null ? undefined : await this.#become(version)
    this.#offset = offset
    this.#failure = error
    for (const follower of this.#followers) {
      if (follower.offset > offset) continue
      this.#followers.delete(follower)
      follower.settle(error)
    }
  }

  /** Resolves with what kept it from becoming that version. */
  async #become(version: string): Promise<Error | undefined> {
    if (version === this.version) return undefined
    try {
      const next = await this.#run(version)
      this.#building = next
      while (!(await this.#hasSwitched(next))) await this.#clock.sleep(AGAIN_MS, this.#stop.signal)
      return undefined
    } catch (reason) {
      const error = errorFrom(reason)
      const { name } = this.#options
      if (!this.#stop.signal.aborted) {
        this.#logger.log('error', `projection ${name} stays at ${this.version}: ${error.message}`, { error })
      }
      return error
    }
  }

  /**
   * Switches, with reads held back for its last part: whatever a read has seen lay in the source topics when
   * the last read ended, and that much the next version shows before the next read. False where that takes
   * too long: reads go on as before.
   */
  async #hasSwitched(next: ProjectionVersion): Promise<boolean> {
    const { holdMs = HOLD_MS } = this.#options
    const over = new AbortController()
    await next.monitor.caughtUp({ timeoutMs: Infinity })
    this.#gate.close()
    try {
      const isQuiet = await Promise.race([
        this.#gate.quiet().then(() => true),
        this.#clock.sleep(holdMs, over.signal).then(() => false),
      ])
      if (!isQuiet) return false
      await next.monitor.caughtUp({ timeoutMs: holdMs })
      this.#previous = this.version
      this.#current = next
      this.#building = undefined
      return true
    } catch (error) {
      if (error instanceof StreamsError && error.code === 'STALE') return false
      throw error
    } finally {
      over.abort()
      this.#gate.open()
    }
  }
}
