import type { Admin, TopicPartition } from '../../broker/broker.ts'
import { abortable } from '../../common/abortable.ts'
import type { Clock } from '../../common/clock.ts'
import { parseTaskId, partitionKey, type TaskId } from '../../common/ids.ts'
import type { Logger } from '../../common/logger.ts'
import type { Counter } from '../../common/metrics/meter.ts'
import { METRIC_GROUPS, type Metrics } from '../../common/metrics/metrics.ts'
import { storesWithEntries } from '../../store/contract/store-name.ts'
import type { TopologyPlan } from '../../topology/plan.ts'
import type { RuntimeSettings } from '../plan/settings.ts'
import type { StateDirectory } from './state-directory.ts'
import { readPositions, readRefill, type StoredPosition } from './task-engines.ts'

/** Time between two looks at the directory, where the delay is not shorter. */
const LOOK_INTERVAL_MS_MAX = 60_000

export interface StateCleanerOptions {
  readonly plan: TopologyPlan
  readonly settings: Pick<RuntimeSettings, 'stateCleanupDelayMs'>
  readonly directory: Pick<StateDirectory, 'tasks' | 'timesOpened' | 'lookInto' | 'removeUnused' | 'sweep'>
  readonly admin: Pick<Admin, 'describeTopics' | 'beginningOffsets' | 'endOffsets'>
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Metrics
}

/** State that nobody has opened since the cleaner first found it closed. */
interface Unused {
  readonly timesOpened: number
  readonly sinceMs: number
}

/** The content of one task's state. */
interface Content {
  /** Names of the stores that have entries. */
  readonly stores: readonly string[]
  /** Stored positions by changelog. */
  readonly positions: ReadonlyMap<string, StoredPosition>
  /** Changelogs that were being filled anew from the state. */
  readonly refilling: readonly string[]
}

/**
 * Removes the state of tasks that have moved away (`state.cleanup.delay.ms` of Kafka Streams). The time is
 * measured here, on the monotonic clock: state is removed if for all of the delay this application was
 * running and did not open it, so neither a clock that was set nor an outage, in which a process loses all
 * its tasks for a while, costs anything.
 *
 * Only state that is on the brokers, too, is removed: every store that has entries must have a changelog that
 * is there, is the one that it was, is not empty, and is as long as the store knows it. All other state
 * stays, and is named in the log once. Global state is never removed.
 */
export class StateCleaner {
  readonly #options: StateCleanerOptions
  readonly #removed: Counter
  readonly #unused = new Map<TaskId, Unused>()
  readonly #named = new Set<TaskId>()
  #isRunning = false

  constructor(options: StateCleanerOptions) {
    this.#options = options
    this.#removed = options.metrics.counter('task-directories-removed-total', {}, METRIC_GROUPS.own)
  }

  /** Whether every task of this process processes. */
  tell(isRunning: boolean): void {
    this.#isRunning = isRunning
    if (!isRunning) this.#unused.clear()
  }

  /** Looks now and then, until the signal aborts. Never rejects: what fails is logged, and tried again. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, settings, logger } = this.#options
    const intervalMs = Math.min(settings.stateCleanupDelayMs, LOOK_INTERVAL_MS_MAX)
    for (;;) {
      await clock.sleep(intervalMs, signal)
      if (signal.aborted) return
      await this.look(signal).catch((error: unknown) => {
        if (!signal.aborted) logger.log('warn', 'the state directory could not be looked through', { error })
      })
    }
  }

  /** One look at all tasks that have state here. */
  async look(signal: AbortSignal): Promise<void> {
    const { directory, logger } = this.#options
    for (const id of await directory.tasks()) {
      if (signal.aborted || !this.#isRunning) return
      const unused = this.#isDue(id)
      if (unused === undefined) continue
      await this.#maybeRemove(id, unused, signal).catch((error: unknown) => {
        if (signal.aborted) return
        logger.log(
          'warn',
          `the state of task ${id}, which has moved away, could not be removed; trying again later`,
          { error },
        )
      })
    }
    await directory.sweep()
  }

  /**
   * The state, if it has been unused for the delay; undefined: it is in use, or was until a short time ago.
   */
  #isDue(id: TaskId): Unused | undefined {
    const { clock, settings, directory } = this.#options
    const timesOpened = directory.timesOpened(id)
    const unused = this.#unused.get(id)
    if (timesOpened === undefined) this.#unused.delete(id)
    else if (unused?.timesOpened !== timesOpened) this.#restart(id, timesOpened)
    else if (clock.monotonicMs() - unused.sinceMs >= settings.stateCleanupDelayMs) return unused
    return undefined
  }

  #restart(id: TaskId, timesOpened: number): void {
    this.#unused.set(id, { timesOpened, sinceMs: this.#options.clock.monotonicMs() })
  }

  async #maybeRemove(id: TaskId, { timesOpened }: Unused, signal: AbortSignal): Promise<void> {
    const { directory, logger, settings } = this.#options
    // The next try comes after another delay, whatever the result of this one.
    this.#restart(id, timesOpened)
    const reason = await this.#reasonToKeep(id, signal)
    if (reason !== undefined) return this.#nameOnce(id, reason)
    if (!this.#isRunning || !(await directory.removeUnused(id, timesOpened))) return
    this.#unused.delete(id)
    this.#removed.add()
    logger.log(
      'info',
      `removed the state of task ${id}, which nobody has used here for ${settings.stateCleanupDelayMs} ms`,
    )
  }

  #nameOnce(id: TaskId, reason: string): void {
    if (this.#named.has(id)) return
    this.#named.add(id)
    this.#options.logger.log('info', `the state of task ${id} is not used here, but stays: ${reason}`)
  }

  async #reasonToKeep(id: TaskId, signal: AbortSignal): Promise<string | undefined> {
    const changelogs = this.#changelogsOf(id)
    const content = await this.#options.directory.lookInto(id, async (engine): Promise<Content> => {
      const topics = [...changelogs.values()].filter(topic => topic !== undefined)
      return {
        stores: await storesWithEntries(engine),
        positions: await readPositions(engine),
        refilling: topics.filter(topic => readRefill(engine, topic) !== undefined),
      }
    })
    if (content === undefined) return 'it is about to be used'
    const unlogged = content.stores.find(store => changelogs.get(store) === undefined)
    if (unlogged !== undefined)
      return `store "${unlogged}" has no changelog in this topology, so this may be its only copy`
    const [refilling] = content.refilling
    if (refilling !== undefined) return `its changelog ${refilling} was being filled anew from it`
    const topics = new Set(content.stores.map(store => changelogs.get(store)!))
    return this.#missingOnBrokers(id, [...topics], content.positions, signal)
  }

  /** Changelogs by the name of the store; none for the state of another topology. */
  #changelogsOf(id: TaskId): Map<string, string | undefined> {
    const { subtopologyId } = parseTaskId(id)
    const plan = this.#options.plan.subtopologies.find(subtopology => subtopology.id === subtopologyId)
    return new Map(plan?.stores.map(({ builder, changelogTopic }) => [builder.name, changelogTopic]))
  }

  async #missingOnBrokers(
    id: TaskId,
    topics: readonly string[],
    positions: ReadonlyMap<string, StoredPosition>,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    if (topics.length === 0) return undefined
    const { admin } = this.#options
    const { partition } = parseTaskId(id)
    const known = await abortable(admin.describeTopics(topics), signal)
    const missing = topics.find(topic => partition >= (known.get(topic)?.partitionCount ?? 0))
    if (missing !== undefined) return `its changelog ${partitionKey(missing, partition)} does not exist`
    const partitions = topics.map((topic): TopicPartition => ({ topic, partition }))
    const beginnings = await abortable(admin.beginningOffsets(partitions), signal)
    const ends = await abortable(admin.endOffsets(partitions, 'read_committed'), signal)
    for (const { topic } of partitions) {
      const key = partitionKey(topic, partition)
      const [beginning = 0, end = 0] = [beginnings.get(key), ends.get(key)]
      if (end <= beginning) return `its changelog ${key} is empty`
      const { offset = 0, topicId } = positions.get(topic) ?? {}
      const now = known.get(topic)?.topicId
      if (topicId !== undefined && now !== undefined && topicId !== now)
        return `its changelog ${key} was deleted and made anew`
      if (end < offset) return `its changelog ${key} ends at ${end}, and the state knows it up to ${offset}`
    }
    return undefined
  }
}
