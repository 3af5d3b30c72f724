import type { Admin, Broker } from '../../broker/broker.ts'
import type { Clock } from '../../common/clock.ts'
import { droppedRecords } from '../../common/metrics/dropped-records.ts'
import type { Logger } from '../../common/logger.ts'
import type { Metrics } from '../../common/metrics/metrics.ts'
import type { Tracer } from '../../common/context/tracer.ts'
import type { StateStore, StoreContext } from '../../store/contract/state-store.ts'
import { openMemoryEngine } from '../../store/engine/memory-engine.ts'
import type { Engine } from '../../store/engine/engine.ts'
import { WriteBatch } from '../../store/engine/write-batch.ts'
import type { StorePlan } from '../../topology/plan.ts'
import type { TaskPlan } from '../plan/anchor-plan.ts'
import { ChangelogRefill, type RefillRequest } from '../state/changelog-refill.ts'
import type { RecordSink } from '../nodes/streams-producer.ts'
import type { MemoryBudget } from '../state/memory-budget.ts'
import { RecordCollector, type PartitionCounts } from '../nodes/record-collector.ts'
import type { Refusals } from '../nodes/refusals.ts'
import type { RuntimeSettings } from '../plan/settings.ts'
import type { StateDirectory } from '../state/state-directory.ts'
import { StateManager } from '../state/state-manager.ts'
import { checkKinds } from '../state/store-kinds.ts'
import { StreamTask } from '../task/stream-task.ts'
import type { ThreadMetrics } from '../metrics/thread-metrics.ts'
import {
  clearStore,
  closeEngines,
  openMarkWrite,
  wasLeftOpen,
  type TaskEngines,
} from '../state/task-engines.ts'

/** Returns the listener of a store's changes, which are told as they are committed. */
export type ChangeTap = (storeName: string) => StoreContext['log']

export interface TaskFactoryOptions {
  readonly broker: Broker
  readonly admin: Admin
  readonly settings: RuntimeSettings
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Metrics
  readonly threadMetrics: ThreadMetrics
  readonly output: RecordSink
  readonly partitionCounts: PartitionCounts
  readonly directory: StateDirectory
  readonly memory: MemoryBudget
  readonly refusals: Refusals
  readonly tracer: Tracer | undefined
  readonly globalStore: (name: string) => StateStore | undefined
  readonly tap: ChangeTap
  /** Wakes the thread's loop. */
  readonly wake: () => void
}

export type RefillOfTask = Omit<RefillRequest, 'taskId' | 'partition' | 'state'>

/** A task that is open but not restored. Whoever closes the task closes its engines, too. */
export interface OpenedTask {
  readonly task: StreamTask
  readonly engines: TaskEngines
}

/** Opens tasks: engines, stores, nodes. */
export class TaskFactory {
  readonly #options: TaskFactoryOptions
  readonly #refill: ChangelogRefill

  constructor(options: TaskFactoryOptions) {
    this.#options = options
    this.#refill = new ChangelogRefill({ ...options, processId: () => options.directory.processId })
  }

  async open(plan: TaskPlan): Promise<OpenedTask> {
    const engines = await this.#openEngines(plan)
    let task: StreamTask | undefined
    try {
      task = this.#build(plan, engines)
      await task.state.load()
      return { task, engines }
    } catch (error) {
      await task?.close()
      await closeEngines(engines)
      throw error
    }
  }

  /** Sends the rows of a restored task's store to its changelog. */
  async refill(plan: TaskPlan, { task }: OpenedTask, request: RefillOfTask): Promise<void> {
    const { id: taskId, partition } = plan
    await this.#refill.fill({ ...request, taskId, partition, state: task.state })
  }

  async #openEngines(plan: TaskPlan): Promise<TaskEngines> {
    const memory = openMemoryEngine()
    if (!plan.subtopology.stores.some(({ builder }) => builder.persistent))
      return { persistent: undefined, memory }
    const { directory, logger } = this.#options
    const persistent = await directory.openTask(plan.id, logger)
    try {
      await checkKinds(persistent, plan.subtopology.stores)
      await this.#checkUnlogged(plan, persistent)
      await persistent.write(WriteBatch.of([openMarkWrite(true)]))
      return { persistent, memory, state: persistent }
    } catch (error) {
      await persistent.close()
      throw error
    }
  }

  /** Clears stores without a changelog after an unclean end: they may be ahead of the last commit. */
  async #checkUnlogged(plan: TaskPlan, engine: Engine): Promise<void> {
    const { settings, logger } = this.#options
    if (settings.processingGuarantee !== 'exactly-once' || !wasLeftOpen(engine)) return
    for (const store of plan.subtopology.stores) {
      if (!store.builder.persistent || store.changelogTopic !== undefined) continue
      logger.log('info', `clearing store "${store.builder.name}" of task ${plan.id}`, {
        reason: 'it has no changelog and was not closed',
      })
      await clearStore(engine, store)
    }
  }

  #build(plan: TaskPlan, engines: TaskEngines): StreamTask {
    const { settings, clock, logger, metrics, threadMetrics, globalStore, memory, wake, refusals } =
      this.#options
    const { output, partitionCounts, tracer } = this.#options
    const { id, subtopology, partitions } = plan
    const collector = new RecordCollector({
      taskId: id,
      sink: output,
      partitionCounts,
      onProductionError: settings.productionErrorHandler,
      applicationId: settings.applicationId,
      deadLetterQueueTopic: settings.deadLetterQueueTopic,
      nowMs: () => clock.nowMs(),
      dropped: droppedRecords(metrics, id),
      refusals,
    })
    const state = new StateManager(subtopology.stores, subtopology.nodes, engines, memory)
    const sendChange = (store: StorePlan) => this.#changelogSend(store, plan.partition, collector)
    const shared = { settings, clock, logger, metrics, threadMetrics, globalStore, wake, refusals, tracer }
    return new StreamTask({ id, plan: subtopology, partitions, state, collector, sendChange, ...shared })
  }

  #changelogSend(
    { changelogTopic, changelogIsSource, builder }: StorePlan,
    partition: number,
    collector: RecordCollector,
  ) {
    const tap = this.#options.tap(builder.name)
    if (changelogTopic === undefined || changelogIsSource) return tap
    const topic = changelogTopic
    const send: StoreContext['log'] = (key, value, timestamp, headers) =>
      collector.sendTransient({ topic, partition, key, value, timestamp, headers })
    if (!tap) return send
    return ((key, value, timestamp, headers) => {
      send(key, value, timestamp, headers)
      tap(key, value, timestamp, headers)
    }) satisfies StoreContext['log']
  }
}
