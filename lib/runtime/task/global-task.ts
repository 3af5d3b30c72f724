import type { RecordBatch, TopicPartition } from '../../broker/broker.ts'
import { present } from '../../common/assert.ts'
import type { Clock } from '../../common/clock.ts'
import { StreamsError } from '../../common/errors/errors.ts'
import { Headers, NO_HEADERS } from '../../common/headers.ts'
import { partitionKey, taskId } from '../../common/ids.ts'
import type { Logger } from '../../common/logger.ts'
import { METRIC_GROUPS, type Metrics } from '../../common/metrics/metrics.ts'
import { Record } from '../../processor/record.ts'
import type { SerdePendingError } from '../../serde/serde-pending-error.ts'
import type { EngineWrite } from '../../store/engine/write-batch.ts'
import type { StateStore, StoreContext } from '../../store/contract/state-store.ts'
import type { SubtopologyPlan } from '../../topology/plan.ts'
import { ProcessorTopology } from '../nodes/processor-topology.ts'
import { RecordCollector } from '../nodes/record-collector.ts'
import type { MemoryBudget } from '../state/memory-budget.ts'
import type { RecordQueue } from './record-queue.ts'
import type { RuntimeSettings } from '../plan/settings.ts'
import { StateManager } from '../state/state-manager.ts'
import { positionWrite, readPosition, usedAtWrite, type TaskEngines } from '../state/task-engines.ts'
import { buildQueues } from './task-queues.ts'
import type { TaskScope } from '../nodes/task-scope.ts'
import { TaskTimes } from '../nodes/task-times.ts'

export interface GlobalTaskOptions {
  readonly plan: SubtopologyPlan
  readonly partitions: readonly TopicPartition[]
  readonly settings: RuntimeSettings
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Metrics
  readonly engines: TaskEngines
  /** Ids of the topics, which are stored beside the positions. */
  readonly topicIds?: ReadonlyMap<string, string | undefined>
  readonly memory: MemoryBudget
  /** The function of that name in `StoreContext`. */
  readonly allowsRanges?: (() => boolean) | undefined
  /** Returns the listener of a store's changes, called at the write that makes a change durable. */
  readonly onChange?: (storeName: string) => StoreContext['log']
}

/**
 * A global store and the nodes that fill it: every instance holds all of it, reads all partitions of its
 * topic, and commits no offsets anywhere but in its own engine, together with the data.
 */
export class GlobalTask {
  readonly state: StateManager
  readonly partitions: readonly TopicPartition[]
  readonly #options: GlobalTaskOptions
  readonly #scope: TaskScope
  readonly #topology: ProcessorTopology
  readonly #queues = new Map<string, RecordQueue>()
  #streamTimeMs = -1

  constructor(options: GlobalTaskOptions) {
    this.#options = options
    this.partitions = options.partitions
    this.state = new StateManager(options.plan.stores, options.plan.nodes, options.engines, options.memory)
    this.#scope = this.#createScope()
    for (const queue of buildQueues({ ...options, id: this.#scope.taskId }, undefined, this.#scope.dropped)) {
      this.#queues.set(partitionKey(queue.topic, queue.partition), queue)
    }
    this.#openStores()
    this.#topology = new ProcessorTopology(options.plan.nodes, this.#scope, options.settings)
  }

  async load(): Promise<void> {
    await this.state.load()
  }

  init(): void {
    this.#topology.init()
  }

  /** The offset at which reading has to go on; undefined: the beginning. */
  position(partition: TopicPartition): number | undefined {
    const { persistent } = this.#options.engines
    // A store in memory begins anew, whatever other global stores are on disk.
    if (!this.#isOnDisk) return undefined
    return persistent && readPosition(persistent, partitionKey(partition.topic, partition.partition))
  }

  /** Applies records of one partition, in order, up to one that waits for its schema. */
  apply(batch: RecordBatch): void {
    const queue = present(
      this.#queues.get(partitionKey(batch.topic, batch.partition)),
      'queue of a global partition',
    )
    queue.add(batch)
    queue.resume()
    this.#applyHeads(queue)
  }

  /** The reason why records of `apply` wait; undefined where none waits for its schema. */
  get waitingFor(): SerdePendingError | undefined {
    for (const queue of this.#queues.values()) if (queue.waitingFor) return queue.waitingFor
    return undefined
  }

  /** Resolves when all records of `apply` are applied; rejects where a schema cannot be had. */
  async settle(): Promise<void> {
    for (const queue of this.#queues.values()) {
      for (let reason = queue.waitingFor; reason; reason = queue.waitingFor) {
        await reason.settled
        queue.resume()
        this.#applyHeads(queue)
      }
    }
  }

  #applyHeads(queue: RecordQueue): void {
    while (queue.head) {
      const record = queue.take()
      this.#scope.context = record
      if (record.timestamp > this.#streamTimeMs) this.#streamTimeMs = record.timestamp
      const headers = new Headers(record.headers)
      this.#topology
        .sourceOf(record.topic)
        .process(new Record(record.key, record.value, record.timestamp, headers))
      if (this.#scope.failure) throw this.#scope.failure
    }
  }

  /** Makes the applied records durable, with the positions behind them. */
  async commit(): Promise<void> {
    this.state.prepareCommit()
    this.state.startWriting(new Map(), this.#positionWrites())
    await this.state.written()
  }

  /** Commits over memory engines, for a synchronous driver. */
  commitNow(): void {
    this.state.prepareCommit()
    this.state.writeNow()
  }

  close(): void {
    const { metrics } = this.#options
    this.#topology.close()
    for (const store of this.stores.keys()) metrics.remove({ 'task-id': 'global', store })
    metrics.remove({ 'task-id': this.#scope.taskId })
    this.state.close()
  }

  #positionWrites(): EngineWrite[] {
    const writes: EngineWrite[] = []
    if (!this.#isOnDisk) return writes
    for (const [key, queue] of this.#queues) {
      const { topic, nextOffset } = queue
      if (nextOffset !== undefined)
        writes.push(positionWrite(key, nextOffset, this.#options.topicIds?.get(topic)))
    }
    if (writes.length > 0) writes.push(usedAtWrite(this.#options.clock.nowMs()))
    return writes
  }

  get #isOnDisk(): boolean {
    return this.#options.plan.stores.some(({ builder }) => builder.persistent)
  }

  #createScope(): TaskScope {
    const { settings, metrics, logger, clock, plan } = this.#options
    const id = taskId(plan.id, 0)
    const dropped = metrics.meter('dropped-records', { 'task-id': id, global: 'true' }, METRIC_GROUPS.task)
    const refuse = (what: string) => (): never => {
      throw new StreamsError(
        'GLOBAL_PROCESSOR',
        `the processor of a global store cannot ${what}: it only fills its store`,
      )
    }
    const collector = new RecordCollector({
      taskId: id,
      sink: { copies: false, send: refuse('write to topics') },
      partitionCounts: refuse('write to topics'),
      onProductionError: settings.productionErrorHandler,
      applicationId: settings.applicationId,
      deadLetterQueueTopic: undefined,
      nowMs: () => clock.nowMs(),
      dropped,
    })
    return {
      applicationId: settings.applicationId,
      taskId: id,
      metrics,
      logger,
      defaultKeySerde: settings.defaultKeySerde,
      defaultValueSerde: settings.defaultValueSerde,
      clock,
      collector,
      dropped,
      measures: undefined,
      times: new TaskTimes(logger),
      emitIntervalMs: settings.emitIntervalMs,
      onProcessingError: settings.processingErrorHandler,
      context: { topic: undefined, partition: -1, offset: -1, timestamp: 0, headers: NO_HEADERS },
      failure: undefined,
      streamTimeMs: () => this.#streamTimeMs,
      systemTimeMs: () => clock.nowMs(),
      schedule: refuse('schedule punctuators'),
      defer: refuse('make asynchronous calls'),
      store: name => this.state.store(name),
      globalStore: () => undefined,
      requestCommit: () => undefined,
    }
  }

  #openStores(): void {
    const { settings, metrics, logger, onChange } = this.#options
    const scope = this.#scope
    this.state.open(
      {
        applicationId: settings.applicationId,
        taskId: undefined,
        changelogCoalescing: true,
        dslStoreFormat: settings.dslStoreFormat,
        defaultKeySerde: settings.defaultKeySerde,
        defaultValueSerde: settings.defaultValueSerde,
        metrics,
        logger,
        recordContext: () => scope.context,
        withRecordContext: (_context, action, argument) => action(argument),
        streamTimeMs: () => this.#streamTimeMs,
        requestCommit: () => undefined,
        allowsRanges: this.#options.allowsRanges,
      },
      plan => onChange?.(plan.builder.name),
      // Changes are not held back: no operator is below that they could be forwarded to later.
      { holdBack: false },
    )
  }

  get stores(): ReadonlyMap<string, StateStore> {
    return this.state.stores
  }
}
