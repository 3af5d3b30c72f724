import type {
  Admin,
  Broker,
  Consumer,
  RecordBatch,
  TopicPartition,
  TopicPartitionOffset,
} from '../../broker/broker.ts'
import { BrokerError } from '../../broker/broker-error.ts'
import { present } from '../../common/assert.ts'
import type { Clock } from '../../common/clock.ts'
import { TaskCorruptedError } from '../../common/errors/errors.ts'
import { partitionKey } from '../../common/ids.ts'
import type { Logger } from '../../common/logger.ts'
import type { Metrics } from '../../common/metrics/metrics.ts'
import { openMemoryEngine } from '../../store/engine/memory-engine.ts'
import { WriteBatch } from '../../store/engine/write-batch.ts'
import type { StateStore } from '../../store/contract/state-store.ts'
import type { TopologyPlan } from '../../topology/plan.ts'
import { AppliedPositions } from '../state/applied-positions.ts'
import { clearUnfitGlobals } from '../state/global-fit.ts'
import { GlobalTask } from '../task/global-task.ts'
import { checkCompacted } from '../plan/check-compacted.ts'
import { prepareTopics } from '../plan/internal-topic-manager.ts'
import type { MemoryBudget } from '../state/memory-budget.ts'
import { isolationOf } from '../plan/isolation.ts'
import type { RuntimeSettings } from '../plan/settings.ts'
import { checkKinds } from '../state/store-kinds.ts'
import type { StateDirectory } from '../state/state-directory.ts'
import type { StateEngine } from '../state/state-engine.ts'
import { closeEngines, usedAtWrite, type TaskEngines } from '../state/task-engines.ts'
import type { ChangeTap } from './task-factory.ts'

export interface GlobalThreadOptions {
  readonly plan: TopologyPlan
  readonly settings: RuntimeSettings
  readonly broker: Broker
  readonly admin: Admin
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Metrics
  readonly directory: StateDirectory
  readonly memory: MemoryBudget
  readonly tap: ChangeTap
  readonly onEpochEnd: () => void
}

const POLL_RECORDS = 5000
const WAIT_MS = 100
const PROGRESS_MS = 5000

/**
 * Keeps the global stores of this instance: loads them to the ends seen at the start, then follows their
 * topics. What a store shows is what its engine holds: data and positions are written together.
 */
export class GlobalThread {
  readonly #options: GlobalThreadOptions
  readonly #engines: TaskEngines
  /** The persistent engine; undefined where all stores are in memory. */
  readonly #state: StateEngine | undefined
  readonly #tasks: readonly GlobalTask[]
  readonly #consumer: Consumer
  #isLoaded = false
  readonly #applied = new AppliedPositions()

  private constructor(
    options: GlobalThreadOptions,
    parts: {
      readonly engines: TaskEngines
      readonly state: StateEngine | undefined
      readonly tasks: readonly GlobalTask[]
      readonly consumer: Consumer
    },
  ) {
    this.#options = options
    this.#engines = parts.engines
    this.#state = parts.state
    this.#tasks = parts.tasks
    this.#consumer = parts.consumer
  }

  static async open(options: GlobalThreadOptions): Promise<GlobalThread> {
    const { plan, settings, broker, admin, logger, directory } = options
    const counts = await prepareTopics(plan, admin, { ...settings, deadLetterQueueTopic: undefined, logger })
    await checkCompacted(plan, { broker, admin, logger })
    const persistent = plan.globalSubtopologies.some(({ stores }) =>
      stores.some(({ builder }) => builder.persistent),
    )
    const state = persistent ? await directory.openGlobal(logger) : undefined
    const engines = { persistent: state, memory: openMemoryEngine() }
    try {
      const stores = plan.globalSubtopologies.flatMap(subtopology => subtopology.stores)
      if (state) await checkKinds(state, stores)
      const globals = plan.globalSubtopologies.map(subtopology => ({
        plan: subtopology,
        partitions: subtopology.sourceTopics.flatMap(topic => partitionsOf(topic, counts)),
      }))
      const topicIds = state ? await clearUnfitGlobals(globals, state, options) : new Map<string, undefined>()
      const onChange = options.tap
      const tasks = globals.map(
        global => new GlobalTask({ ...options, ...global, engines, topicIds, onChange }),
      )
      const isolation = isolationOf(settings)
      const consumer = await broker.consumer({ clientId: `${settings.clientId}-global`, isolation })
      return new GlobalThread(options, { engines, state, tasks, consumer })
    } catch (error) {
      await closeEngines(engines)
      throw error
    }
  }

  store(name: string): StateStore | undefined {
    for (const task of this.#tasks) {
      const store = task.state.store(name)
      if (store) return store
    }
    return undefined
  }

  /** The offsets of the next records to be applied to a store; empty for stores that are not global. */
  positions(name: string): readonly TopicPartitionOffset[] {
    return this.#partitionsOf(name).map(({ topic, partition }) => ({
      topic,
      partition,
      offset: this.#applied.get(partitionKey(topic, partition)) ?? 0,
    }))
  }

  /**
   * Offsets between a store and the ends of its topic as of the last fetch; undefined while one is not known.
   */
  lag(name: string): number | undefined {
    let sum = 0
    for (const { topic, partition, offset } of this.positions(name)) {
      const end = this.#consumer.knownEnd({ topic, partition })
      if (end === undefined) return undefined
      sum += Math.max(0, end - offset)
    }
    return sum
  }

  /**
   * Resolves when the store has every record that was in its topic at the call, up to the high watermark: a
   * record behind an open transaction must be waited for, too.
   */
  async caughtUp(name: string): Promise<void> {
    const ends = await this.#options.admin.endOffsets(this.#partitionsOf(name), 'read_uncommitted')
    await this.#applied.reached(ends)
  }

  /** Resolves when the stores have every record that was committed at the call. */
  async load(signal: AbortSignal): Promise<void> {
    const { admin, clock, logger, settings } = this.#options
    const partitions = this.#tasks.flatMap(task => [...task.partitions])
    for (const task of this.#tasks) await task.load()
    const isolation = isolationOf(settings)
    const ends = await admin.endOffsets(partitions, isolation)
    await this.#assignAll(partitions)
    for (const task of this.#tasks) task.init()
    let reportedMs = clock.monotonicMs()
    for (;;) {
      const behind = partitions.reduce((sum, partition) => sum + this.#behind(partition, ends), 0)
      if (signal.aborted) return
      if (behind === 0) {
        this.#state?.committed()
        this.#isLoaded = true
        return
      }
      if (clock.monotonicMs() - reportedMs > PROGRESS_MS) {
        reportedMs = clock.monotonicMs()
        logger.log('info', 'loading global tables', { behind })
      }
      await this.#step()
    }
  }

  /** Follows the topics until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) await this.#step()
  }

  async close(): Promise<void> {
    this.#applied.close()
    try {
      await this.#noteUse()
      await this.#consumer.close()
      for (const task of this.#tasks) task.close()
    } finally {
      await closeEngines(this.#engines)
    }
  }

  /** Writes the time of use: the stores were followed up to now, even if no record came for long. */
  async #noteUse(): Promise<void> {
    const { clock, logger } = this.#options
    if (!this.#isLoaded || !this.#state) return
    await this.#state
      .write(WriteBatch.of([usedAtWrite(clock.nowMs())]))
      .catch((error: unknown) => logger.log('debug', 'the time of use was not written', { error }))
  }

  async #assignAll(partitions: readonly TopicPartition[]): Promise<void> {
    const beginnings = await this.#options.admin.beginningOffsets(partitions)
    const positions = this.#tasks.flatMap(task =>
      task.partitions.map(partition => {
        const beginning = beginnings.get(partitionKey(partition.topic, partition.partition)) ?? 0
        return { ...partition, offset: Math.max(task.position(partition) ?? 0, beginning) }
      }),
    )
    this.#consumer.assign(positions)
    for (const { topic, partition, offset } of positions) {
      this.#applied.set(partitionKey(topic, partition), offset)
    }
  }

  #behind(partition: TopicPartition, ends: ReadonlyMap<string, number>): number {
    const end = ends.get(partitionKey(partition.topic, partition.partition)) ?? 0
    return Math.max(0, end - (this.#consumer.position(partition) ?? 0))
  }

  async #step(): Promise<void> {
    const batches = this.#poll()
    if (batches.length === 0) {
      await this.#consumer.ready(WAIT_MS)
      return
    }
    for (const batch of batches) this.#taskOf(batch).apply(batch)
    for (const task of this.#tasks) if (task.waitingFor) await task.settle()
    this.#state?.throwIfFailed()
    for (const task of this.#tasks) await task.commit()
    this.#options.onEpochEnd()
    for (const { topic, partition, nextOffset } of batches) {
      this.#applied.set(partitionKey(topic, partition), nextOffset)
    }
    this.#applied.tell()
  }

  /**
   * Polls. A topic that was deleted, cut off or made anew cannot be followed: the stores are loaded anew from
   * the beginning.
   */
  #poll(): readonly RecordBatch[] {
    try {
      return this.#consumer.poll(POLL_RECORDS)
    } catch (error) {
      if (!(error instanceof BrokerError && error.code === 'OFFSET_OUT_OF_RANGE')) throw error
      const corrupted = new TaskCorruptedError(`a global store cannot go on: ${error.message}`, {
        cause: error,
      })
      this.#state?.unfit(corrupted)
      throw corrupted
    }
  }

  #partitionsOf(name: string): readonly TopicPartition[] {
    return this.#tasks.find(task => task.state.store(name))?.partitions ?? []
  }

  #taskOf({ topic }: TopicPartition): GlobalTask {
    return present(
      this.#tasks.find(task => task.partitions.some(partition => partition.topic === topic)),
      `global task of topic ${topic}`,
    )
  }
}

function partitionsOf(topic: string, counts: ReadonlyMap<string, number>): TopicPartition[] {
  const count = present(counts.get(topic), `partitions of ${topic}`)
  return Array.from({ length: count }, (_, partition) => ({ topic, partition }))
}
