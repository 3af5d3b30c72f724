import type { OffsetToCommit, RecordBatch, TopicPartition } from '../../broker/broker.ts'
import { asCurrent, enterRecord, leaveRecord } from '../../common/context/current-record.ts'
import type { Header } from '../../common/headers.ts'
import { partitionKey, type TaskId } from '../../common/ids.ts'
import type { RecordContext } from '../../common/record-context.ts'
import { StateMachine } from '../../common/state-machine.ts'
import type { WaitingRecord } from '../../processor/deferred-work.ts'
import type { OneShotOptions, PunctuationOptions, Punctuator } from '../../processor/processor-context.ts'
import { Record } from '../../processor/record.ts'
import type { SerdePendingError } from '../../serde/serde-pending-error.ts'
import { refuseAsync } from '../nodes/async-processor.ts'
import { decideFailure, leaveOut } from '../nodes/decide-failure.ts'
import { DeferredWorks } from './deferred-works.ts'
import { ProcessorTopology } from '../nodes/processor-topology.ts'
import { PartitionGroup, type FetchLag, type InputProgress } from './partition-group.ts'
import { decodePartitionTime, encodePartitionTime } from '../plan/offset-metadata.ts'
import { anchoredTicks, onceAt, PunctuationQueue, type Ticks } from './punctuation-queue.ts'
import type { QueuedRecord } from './queued-record.ts'
import type { RecordCollector } from '../nodes/record-collector.ts'
import { Refusals } from '../nodes/refusals.ts'
import { traced } from '../nodes/traced-record.ts'
import type { StateManager } from '../state/state-manager.ts'
import type { StreamTaskOptions } from './stream-task-options.ts'
import { contextOfTick, createScope } from './stream-task-scope.ts'
import { buildQueues } from './task-queues.ts'
import { TaskMetrics } from '../metrics/task-metrics.ts'
import type { TaskScope } from '../nodes/task-scope.ts'
import { WallClockPunctuations } from './wall-clock-punctuations.ts'

/**
 * One sub-topology over one partition number: queues in front, nodes, stores. Everything in it is built from
 * the plan and from what is committed, so that an abort can build it again (`revive`).
 */
export class StreamTask {
  readonly id: TaskId
  readonly partitions: readonly TopicPartition[]
  readonly collector: RecordCollector
  readonly state: StateManager
  readonly #lifecycle = new StateMachine<'created' | 'running' | 'closed'>('created', {
    created: ['running', 'closed'],
    running: ['closed'],
    closed: [],
  })
  readonly #options: StreamTaskOptions
  readonly #group: PartitionGroup
  readonly #streamTime = new PunctuationQueue('stream-time')
  readonly #deferred = new DeferredWorks()
  readonly #wallClock: WallClockPunctuations
  readonly #committed = new Map<string, OffsetToCommit>()
  readonly #starts = new Map<string, number>()
  readonly #scope: TaskScope
  readonly #measures: TaskMetrics
  readonly #refusals: Refusals
  #topology: ProcessorTopology
  #nextStreamTickMs = Infinity
  /** Whether a record was processed, or a punctuator changed anything, since the last commit. */
  #hasProgress = false
  /** Records dropped before this epoch. */
  #droppedBefore = 0
  /** Whether a processor asked for a commit. */
  commitRequested = false
  /** Number of requests for a commit, and that number when the epoch was sealed. */
  #requests = 0
  #requestsSealed = 0

  constructor(options: StreamTaskOptions) {
    this.id = options.id
    this.partitions = options.partitions
    this.collector = options.collector
    this.state = options.state
    this.#options = options
    this.#refusals = options.refusals ?? new Refusals([])
    this.#wallClock = new WallClockPunctuations(options.clock)
    this.#measures = new TaskMetrics(options.metrics, options.id, options.threadMetrics)
    this.#scope = createScope(options, this.#measures, {
      schedule: (node, punctuation, callback) => {
        if (punctuation.type === 'wall-clock-time')
          return this.#wallClock.schedule(node, punctuation, callback)
        const cancellable = this.#streamTime.schedule(node, this.#ticksOf(punctuation), callback)
        this.#nextStreamTickMs = this.#streamTime.nextMs
        return cancellable
      },
      defer: (node, work) => {
        this.#deferred.add(node, work)
        return options.wake
      },
      streamTimeMs: () => this.#group.streamTimeMs,
      requestCommit: () => this.#requestCommit(),
    })
    this.collector.attach(() => this.#scope.context)
    this.#group = new PartitionGroup(
      buildQueues(options, this.#measures, this.#measures.dropped),
      options.settings.maxTaskIdleMs,
    )
    this.#group.enforced = this.#measures.details?.enforced
    this.#measures.watch('active-buffer-count', () => this.#group.size)
    this.#measures.watch('cache-size-bytes-total', () => this.state.uncommittedBytes)
    this.#openStores()
    this.#topology = this.#buildTopology()
  }

  get isRunning(): boolean {
    return this.#lifecycle.is('running')
  }

  get streamTimeMs(): number {
    return this.#group.streamTimeMs
  }

  get inputs(): Iterable<InputProgress> {
    return this.#group.queues
  }

  /** Time until the next wall-clock punctuator is due; Infinity without any. */
  get wallClockWaitMs(): number {
    return this.#wallClock.waitMs
  }

  /**
   * Starts at these committed offsets, which also carry the times; `starts`: offsets of the other partitions.
   * The stores are restored.
   */
  start(committed: ReadonlyMap<string, OffsetToCommit>, starts: ReadonlyMap<string, number>): void {
    for (const [key, offset] of committed) this.#committed.set(key, offset)
    for (const [key, offset] of starts) this.#starts.set(key, offset)
    for (const partition of this.partitions) this.#show(partition)
    this.#restoreTimes()
    this.#topology.init()
    this.#lifecycle.moveTo('running')
    this.#options.threadMetrics?.tasksCreated.add()
  }

  /**
   * Adds a partition of a topic that matches a pattern and came up only now: for the test driver, whose tasks
   * do not start over.
   */
  addPartition(partition: TopicPartition): void {
    for (const queue of buildQueues(
      { ...this.#options, partitions: [partition] },
      this.#measures,
      this.#measures.dropped,
    )) {
      this.#group.addQueue(queue)
    }
  }

  /** Takes records over; returns the queue's length. */
  add(batch: RecordBatch): number {
    // An empty batch is progress, too: markers and aborted records move the offset, so that lag is 0 at the
    // end.
    if (batch.records.length === 0) this.#hasProgress = true
    return this.#group.add(batch).size
  }

  bufferedRecords(partition: TopicPartition): number {
    return this.#group.queue(partition.topic, partition.partition)?.size ?? 0
  }

  hasRecords(): boolean {
    return this.#group.hasRecords()
  }

  /** The reason why records of a partition wait; undefined where none waits for its schema. */
  get waitingFor(): SerdePendingError | undefined {
    return this.#group.waitingFor
  }

  /** Whether a record may be processed. `nowMs`: time of the monotonic clock. */
  isReady(nowMs: number, lag: FetchLag): boolean {
    return this.#deferred.hasRoom && this.#group.isReady(nowMs, lag)
  }

  /** Begins a run of records: latencies from end to end are up to now. */
  beginRun(): void {
    this.#measures.nowMs = this.#options.clock.nowMs()
  }

  /** Ends a run of that many processed records. */
  endRun(records: number, elapsedMs: number): void {
    this.#measures.processed(records, elapsedMs)
  }

  /**
   * Processes the next record, depth first, and punctuators that its time makes due. Only called while
   * `isReady`.
   */
  process(): void {
    const record = this.#group.take()
    const scope = this.#scope
    scope.context = record
    this.#hasProgress = true
    this.#measures.details?.lateness.record(this.#group.streamTimeMs - record.timestamp)
    if (this.#refusals.anyFailedInput && this.#isFailed(record)) return
    enterRecord(scope)
    try {
      if (scope.tracer) traced(scope, scope.tracer, record, headers => this.#run(record, headers))
      else this.#run(record, record.headers)
    } finally {
      leaveRecord()
    }
    if (scope.failure) throw scope.failure
    if (this.#group.streamTimeMs >= this.#nextStreamTickMs) this.punctuateStreamTime()
  }

  #run({ topic, key, value, timestamp }: QueuedRecord, headers: readonly Header[]): void {
    this.#topology.sourceOf(topic).process(new Record(key, value, timestamp, headers))
  }

  /**
   * Whether the record is to be skipped: its handler rolled it back, or it has made a change that the
   * changelog takes in no form, and the handler is asked now.
   */
  #isFailed(record: QueuedRecord): boolean {
    const failed = this.#refusals.failureOf(record)
    if (!failed) return false
    leaveOut(this.#scope, this.#topology.sourceOf(record.topic).name, failed)
    return true
  }

  /** Inputs of asynchronous operators whose results have not been applied, but for those that are parked. */
  get deferredInputs(): number {
    return this.#deferred.size
  }

  /** Records that operators with retry hold, one by one. */
  get waitingRecords(): Iterable<WaitingRecord> {
    return this.#deferred.waitingRecords()
  }

  /** Inputs of asynchronous operators that wait for a time, or behind one that waits. */
  get parkedInputs(): number {
    return this.#deferred.parked
  }

  /**
   * Applies the oldest result of an asynchronous operator, as a record of its own; false where none is there.
   */
  applyResult(): boolean {
    const isApplied = asCurrent(this.#scope, () => this.#deferred.applyNext(this.#scope, this.#refusals))
    if (!isApplied) return false
    this.#hasProgress = true
    if (this.#scope.failure) throw this.#scope.failure
    return true
  }

  /** The input that was processed last. */
  get lastInput(): RecordContext {
    return this.#scope.context
  }

  punctuateStreamTime(): void {
    this.#streamTime.maybePunctuate(this.#group.streamTimeMs, this.#punctuate)
    this.#nextStreamTickMs = this.#streamTime.nextMs
  }

  /** Runs the wall-clock punctuators that are due; returns whether there was one. */
  punctuateWallClock(): boolean {
    return this.#wallClock.maybePunctuate(this.#punctuate)
  }

  /**
   * Makes caches forward, and sends changes to the changelogs. Returns whether there is anything to commit.
   */
  prepareCommit(): boolean {
    this.beginRun()
    asCurrent(this.#scope, () => this.state.prepareCommit())
    this.#requestsSealed = this.#requests
    if (this.#scope.failure) throw this.#scope.failure
    return this.hasEffects
  }

  /** Whether there is anything to commit. Dropped records count: they move the offsets. */
  get hasEffects(): boolean {
    return this.#hasProgress || this.collector.hasSent || this.#scope.dropped.value > this.#droppedBefore
  }

  /**
   * The offsets of the next records that moved since the last commit. Where the task has sent something,
   * there is at least one: with it the group's generation fences a zombie. `all`: every offset.
   */
  offsetsToCommit(options: { readonly all: boolean }): OffsetToCommit[] {
    const every = this.#presentOffsets()
    const moved = options.all ? every : every.filter(offset => this.#hasMoved(offset))
    if (moved.length > 0 || !this.collector.hasSent) return moved
    return every.slice(0, 1)
  }

  /** Ends the epoch: further changes belong to the next commit. */
  endEpoch(): void {
    // A timer may have asked since the epoch was sealed: its request is for the next commit.
    const isAskedAgain = this.#requests !== this.#requestsSealed
    this.#hasProgress = isAskedAgain
    this.#droppedBefore = this.#scope.dropped.value
    this.commitRequested = isAskedAgain
    this.collector.hasSent = false
  }

  /** Keeps the offsets that the broker has committed: an abort goes back to them. */
  committed(offsets: readonly OffsetToCommit[]): void {
    for (const offset of offsets) this.#committed.set(partitionKey(offset.topic, offset.partition), offset)
  }

  /** The offset at which reading goes on after the last commit. */
  resumeOffset(partition: TopicPartition): number | undefined {
    const key = partitionKey(partition.topic, partition.partition)
    return this.#committed.get(key)?.offset ?? this.#starts.get(key)
  }

  /**
   * The offset up to which readers from outside see the effects of a partition's records; undefined where it
   * has no beginning yet.
   */
  shownOffset({ topic, partition }: TopicPartition): number | undefined {
    return this.state.shownOffsets.get(partitionKey(topic, partition))
  }

  #show(partition: TopicPartition): void {
    const offset = this.resumeOffset(partition)
    if (offset !== undefined)
      this.state.shownOffsets.set(partitionKey(partition.topic, partition.partition), offset)
  }

  /** Begins the partition at another offset: the committed one is no longer there. */
  restartAt(partition: TopicPartition, offset: number): void {
    const key = partitionKey(partition.topic, partition.partition)
    this.#committed.delete(key)
    this.#starts.set(key, offset)
    this.#show(partition)
    this.#group.queue(partition.topic, partition.partition)?.goOnAt(offset)
    // The next commit replaces the committed offset, which is gone, without waiting for a record.
    this.#hasProgress = true
  }

  /**
   * Builds stores, processors, caches and timers anew over the engines, which hold the last commit. Without
   * this, stream times, caches and users' fields would stay ahead of the offsets. The caller rewinds the
   * consumer to the committed offsets.
   */
  async revive(): Promise<void> {
    this.#closeProcessors()
    await this.state.written()
    this.state.close()
    this.#reset()
    this.#openStores()
    await this.state.load()
    this.#topology = this.#buildTopology()
    this.#restoreTimes()
    this.#topology.init()
  }

  /** Prepares to close: the task leaves this process when its next commit has succeeded. */
  prepareClose(): void {
    this.#deferred.prepareClose()
  }

  /**
   * Ends the task. Its work must have been committed before, if it is to be. The caller closes the engines.
   */
  async close(): Promise<void> {
    if (this.#lifecycle.is('closed')) return
    if (this.isRunning) {
      this.#closeProcessors()
      this.#options.threadMetrics?.tasksClosed.add()
    }
    this.#lifecycle.moveTo('closed')
    this.#group.reset()
    this.#deferred.clear()
    await this.state.written().catch((error: unknown) => {
      this.#options.logger.log(
        'warn',
        `task ${this.id}: the last state write failed; it is restored next time`,
        { error },
      )
    })
    this.state.close()
    this.#options.metrics.remove({ 'task-id': this.id })
  }

  readonly #punctuate = (node: string, callback: Punctuator, timestampMs: number): void => {
    const scope = this.#scope
    scope.context = contextOfTick(timestampMs)
    this.beginRun()
    const startMs = this.#options.clock.monotonicMs()
    try {
      refuseAsync(
        asCurrent(scope, () => callback(timestampMs)),
        node,
        'punctuator',
      )
    } catch (error) {
      decideFailure(scope, node, error)
    }
    this.#measures.punctuated(this.#options.clock.monotonicMs() - startMs)
    // Outputs and requests count by themselves. A tick that changed nothing must not wake the disk.
    if (this.state.mayHaveChanged) this.#hasProgress = true
    if (scope.failure) throw scope.failure
  }

  /** Asks for a commit, which happens whether or not there is anything else to commit. */
  #requestCommit(): void {
    this.#requests += 1
    this.commitRequested = true
    this.#hasProgress = true
  }

  #ticksOf(punctuation: PunctuationOptions | Required<OneShotOptions>): Ticks {
    if ('atMs' in punctuation) return onceAt(punctuation.atMs)
    const { intervalMs, startMs } = punctuation
    if (startMs === undefined) return { firstMs: 0, intervalMs }
    return anchoredTicks(startMs, intervalMs, this.#group.streamTimeMs)
  }

  #presentOffsets(): OffsetToCommit[] {
    const offsets: OffsetToCommit[] = []
    const operatorTimes = this.#scope.times.encode(this.#options.state.changelogMarks)
    for (const queue of this.#group.queues) {
      const { topic, partition, partitionTimeMs } = queue
      const offset = queue.nextOffset ?? this.resumeOffset(queue)
      if (offset !== undefined)
        offsets.push({
          topic,
          partition,
          offset,
          metadata: encodePartitionTime(partitionTimeMs, operatorTimes),
        })
    }
    return offsets
  }

  #hasMoved(offset: OffsetToCommit): boolean {
    const before = this.#committed.get(partitionKey(offset.topic, offset.partition))
    return before === undefined || before.offset !== offset.offset
  }

  #restoreTimes(): void {
    this.#scope.times.restore(Array.from(this.#committed.values(), ({ metadata }) => metadata))
    for (const queue of this.#group.queues) {
      const committed = this.#committed.get(partitionKey(queue.topic, queue.partition))
      queue.partitionTimeMs = decodePartitionTime(committed?.metadata)
      this.#group.raiseStreamTime(queue.partitionTimeMs)
    }
  }

  #reset(): void {
    this.#group.reset()
    this.#deferred.clear()
    this.#streamTime.clear()
    this.#wallClock.clear()
    this.#nextStreamTickMs = Infinity
    this.#hasProgress = false
    this.commitRequested = false
    this.collector.reset()
    this.#scope.failure = undefined
  }

  #openStores(): void {
    const { settings, metrics, logger, state, sendChange } = this.#options
    const { applicationId, changelogCoalescing, defaultKeySerde, defaultValueSerde } = settings
    const scope = this.#scope
    state.open(
      {
        applicationId,
        taskId: this.id,
        changelogCoalescing,
        dslStoreFormat: settings.dslStoreFormat,
        isTransactional: settings.processingGuarantee === 'exactly-once',
        defaultKeySerde,
        defaultValueSerde,
        metrics,
        logger,
        recordContext: () => scope.context,
        withRecordContext: (context, action, argument) => {
          const outer = scope.context
          scope.context = context
          action(argument)
          scope.context = outer
        },
        streamTimeMs: () => this.#group.streamTimeMs,
        requestCommit: () => this.#requestCommit(),
        allowsRanges: this.#options.allowsRanges,
      },
      sendChange,
      { holdBack: true },
    )
  }

  #buildTopology(): ProcessorTopology {
    return new ProcessorTopology(this.#options.plan.nodes, this.#scope, this.#options.settings)
  }

  #closeProcessors(): void {
    try {
      this.#topology.close()
    } catch (error) {
      this.#options.logger.log('warn', `task ${this.id}: a processor failed to close`, { error })
    }
  }
}
