import { storeNameOf, type QueryableTable } from '../dsl/api/queryable-table.ts'
import { checkSerdes } from '../runtime/plan/check-serdes.ts'
import type { OutgoingRecord, RawRecord, RecordBatch } from '../broker/broker.ts'
import { droppedRecords } from '../common/metrics/dropped-records.ts'
import { present } from '../common/assert.ts'
import { StreamsError } from '../common/errors/errors.ts'
import { partitionKey, taskId } from '../common/ids.ts'
import { systemClock } from '../common/clock.ts'
import { consoleLogger, silentLogger } from '../common/logger.ts'
import { invalidTimestamp } from '../common/timestamps.ts'
import type { Windowed } from '../common/windowed.ts'
import { Metrics, type MetricSample } from '../common/metrics/metrics.ts'
import { GlobalTask } from '../runtime/task/global-task.ts'
import { MemoryBudget } from '../runtime/state/memory-budget.ts'
import { RecordCollector } from '../runtime/nodes/record-collector.ts'
import type { RuntimeSettings } from '../runtime/plan/settings.ts'
import { StateManager } from '../runtime/state/state-manager.ts'
import { StreamTask } from '../runtime/task/stream-task.ts'
import type { SerdePendingError } from '../serde/serde-pending-error.ts'
import { openMemoryEngine } from '../store/engine/memory-engine.ts'
import type { KeyValueReads, KeyValueStore, ValueAndTimestamp } from '../store/contract/key-value-store.ts'
import type { SessionStore, SessionStoreReads } from '../store/contract/session-store.ts'
import type { StateStore } from '../store/contract/state-store.ts'
import type {
  ReadOnlyVersionedStore,
  VersionedKeyValueStore,
} from '../store/contract/versioned-key-value-store.ts'
import type { WindowStore, WindowStoreReads } from '../store/contract/window-store.ts'
import type { Letter } from '../processor/letter.ts'
import { planOptions, resolveConfig } from '../streams/config.ts'
import { registeredTracer } from '../streams/open-telemetry.ts'
import type { SubtopologyPlan, TopologyPlan } from '../topology/plan.ts'
import { matchesTopic } from '../topology/topic-pattern.ts'
import type { Topology } from '../topology/topology.ts'
import { driverControl, type DriverControl } from './driver-control.ts'
import { DriverLetters, type TestReplayOptions } from './driver-letters.ts'
import { driverSchedules, type DriverSchedules } from './driver-schedules.ts'
import type { TopologyTestDriverOptions } from './driver-options.ts'
import { endless } from './endless.ts'
import { mergedPlan } from './merged-plan.ts'
import { ManualClock } from './manual-clock.ts'
import { ProducedRecords } from './produced-records.ts'
import { keyValueReads, sessionReads, versionedReads, windowReads } from './store-reads.ts'
import { TestInputTopic, TestOutputTopic, type TestTopicSerdes } from './test-topics.ts'

const STEPS_MAX = 100_000
/** A call that has nothing to wait for but promises has ended long before. */
const QUIET_TURNS = 20

/**
 * Runs a topology without a broker, synchronously: all sub-topologies as one task with one partition a topic,
 * in memory, a commit after every record. Wall-clock time moves only by `advanceWallClockTime`. As in Kafka
 * Streams, every write of a store is a changelog record and caches are flushed with each record. Its stores
 * can be read in ranges, whether or not they were built with `ranges`; processors need that here as anywhere
 * else.
 */
export class TopologyTestDriver implements Disposable {
  readonly #clock: ManualClock
  readonly #metrics = new Metrics()
  readonly #settings: RuntimeSettings
  readonly #memory: MemoryBudget
  readonly #plan: TopologyPlan
  readonly #task: StreamTask | undefined
  readonly #globals: readonly GlobalTask[]
  readonly #sourceTopics: Set<string>
  readonly #pending: OutgoingRecord[] = []
  readonly #produced = new ProducedRecords()
  readonly #offsets = new Map<string, number>()
  readonly #stepsMax: number
  readonly #letters: DriverLetters
  /** Pauses, resumes, skips and ignores what operators with `retry` do. */
  readonly control: DriverControl
  /** Writes, pauses, resumes and triggers schedules. */
  readonly schedules: DriverSchedules
  /** Whether user code of the topology may be on the stack. */
  #isProcessing = true
  /** Goes on with `settled`. */
  #wake: () => void = () => undefined

  constructor(topology: Topology, options: TopologyTestDriverOptions = {}) {
    this.#clock = new ManualClock(options.startWallClockMs ?? 0)
    this.#stepsMax = options.stepsMax ?? STEPS_MAX
    this.#settings = resolveConfig({
      applicationId: 'test-application',
      processingGuarantee: 'at-least-once',
      changelogCoalescing: false,
      emitIntervalMs: 0,
      ...options.config,
    })
    this.#letters = new DriverLetters(this.#settings.applicationId, topic => this.producedRecords(topic))
    this.#memory = new MemoryBudget(this.#settings)
    this.#plan = topology.plan(this.#settings.applicationId, planOptions(this.#settings))
    const orders = {
      pipe: (record: OutgoingRecord) => this.pipeRecord(record),
      nowMs: () => this.wallClockMs,
    }
    this.control = driverControl(this.#plan, this.#settings.defaultKeySerde, orders)
    this.schedules = driverSchedules(this.#plan, orders)
    checkSerdes(this.#plan, this.#settings, name => topology.addedAt(name))
    this.#globals = this.#plan.globalSubtopologies.map(plan => this.#openGlobal(plan))
    this.#sourceTopics = new Set(this.#plan.subtopologies.flatMap(plan => plan.sourceTopics))
    this.#task =
      this.#plan.subtopologies.length > 0 ? this.#openTask(mergedPlan(this.#plan.subtopologies)) : undefined
    this.#task?.start(new Map(), new Map())
    // What processors forwarded when they were initialised.
    this.#collect()
    this.#drain()
    this.#isProcessing = false
  }

  /**
   * Feeds a topic that the topology reads.
   * @example
   * ```ts
   * const clicks = driver.createInputTopic('clicks', {
   *   keySerde: serdes.string(),
   *   valueSerde: serdes.json<number>(),
   * })
   * clicks.pipeInput('ada', 1)
   * ```
   */
  createInputTopic<K, V>(
    topic: string,
    options: TestTopicSerdes<K, V> & { readonly startMs?: number; readonly autoAdvanceMs?: number },
  ): TestInputTopic<K, V> {
    const times = {
      startMs: options.startMs ?? this.#clock.nowMs(),
      autoAdvanceMs: options.autoAdvanceMs ?? 0,
    }
    return new TestInputTopic(topic, options, times, record => this.pipeRecord(record))
  }

  createOutputTopic<K, V>(topic: string, serdes: TestTopicSerdes<K, V>): TestOutputTopic<K, V> {
    return new TestOutputTopic(topic, serdes, {
      take: () => this.#produced.take(topic),
      size: () => this.#produced.left(topic),
    })
  }

  /**
   * Resolves when nothing is under way any more: every asynchronous call made so far, and those that its
   * result leads to, has ended, and what came of it is processed. Piping never waits for calls; what has
   * ended is also applied by the next record or advance of time. Where an operator has `concurrency` calls
   * under way, further records wait until there is room. A call that only its timeout can end needs
   * `advanceWallClockTime`. Rejects with what a handler did not let pass.
   */
  async settled(): Promise<void> {
    for (;;) {
      this.#run(() => undefined)
      const task = this.#task
      // What waits for room then waits for a time, which only moves by `advance`.
      if (!task || task.deferredInputs === 0) return
      await new Promise<void>(resolve => (this.#wake = resolve))
    }
  }

  /** Bytes in: processes them, and all that follows, before it returns. */
  pipeRecord(record: OutgoingRecord): void {
    const global = this.#globals.find(task => task.partitions.some(({ topic }) => topic === record.topic))
    if (!global && !this.#isSource(record.topic)) {
      throw new StreamsError('UNKNOWN_TOPIC', `topic "${record.topic}" is no source of this topology`)
    }
    // Below 0 is what a broker may hold, and for the timestamp extractor to judge.
    if (!Number.isSafeInteger(record.timestamp)) {
      throw invalidTimestamp('a record cannot be piped in with the timestamp', record.timestamp)
    }
    this.#run(() => this.#enqueue(record, global))
  }

  /**
   * Wall-clock punctuators whose tick falls due run once each, however far the clock moves; timers fire, all
   * of them at the time it has moved to.
   */
  advanceWallClockTime(ms: number): void {
    this.#run(() => {
      this.#clock.advance(ms)
      for (let turns = 1; this.#task?.punctuateWallClock(); turns += 1) {
        this.#commit()
        if (turns >= this.#stepsMax) throw endless(this.#task.lastInput.topic, this.#stepsMax)
      }
    })
  }

  /**
   * Moves the wall clock on, stopping wherever something is due: timeouts, retries, punctuators each find the
   * clock at their very millisecond. At each stop calls that end without time passing have ended before it
   * goes on: what takes real time, such as a request to a server, is for `settled`.
   */
  async advance(ms: number): Promise<void> {
    const endMs = this.#clock.monotonicMs() + ms
    await this.#letCallsEnd()
    for (let stops = 0; ;) {
      const leftMs = endMs - this.#clock.monotonicMs()
      const dueMs = Math.min(this.#clock.waitMs, Math.max(0, this.#task?.wallClockWaitMs ?? Infinity))
      stops = dueMs > 0 ? 0 : stops + 1
      if (stops >= this.#stepsMax && this.#task) throw endless(this.#task.lastInput.topic, this.#stepsMax)
      this.advanceWallClockTime(Math.min(dueMs, leftMs))
      await this.#letCallsEnd()
      if (dueMs > leftMs) return
    }
  }

  /** What an operator with `retry` has given up, by its name, in order. */
  letters(operator: string): Letter[] {
    return this.#letters.of(operator)
  }

  /** Has letters of an operator processed again, in order; each once, unless `force`. Returns how many. */
  replay(operator: string, options: TestReplayOptions = {}): number {
    const records = this.#letters.take(operator, options)
    for (const record of records) this.pipeRecord(record)
    return records.length
  }

  get wallClockMs(): number {
    return this.#clock.nowMs()
  }

  getStateStore(name: string): StateStore | undefined {
    const store = this.#task?.state.store(name)
    return store ?? this.#globals.map(task => task.state.store(name)).find(found => found !== undefined)
  }

  /** All stores by name, global ones included. */
  stores(): ReadonlyMap<string, StateStore> {
    return new Map([...(this.#task?.state.stores ?? []), ...this.#globals.flatMap(task => [...task.stores])])
  }

  /**
   * A key-value store as `KafkaStreams.store` shows it, by its table or its name: values of tables and
   * aggregates without their timestamps. Ranges are synchronous here. Throws `UNKNOWN_STORE`,
   * `STORE_NOT_NAMED`, and `STORE_NOT_READABLE` for a store of another kind.
   */
  store<K, V>(store: QueryableTable<K, V>): KeyValueReads<K, V>
  store<K, V>(store: string): KeyValueReads<K, V>
  store<K, V>(store: string | QueryableTable<K, V>): KeyValueReads<K, V> {
    const name = storeNameOf(store)
    return keyValueReads(this.#storeOrThrow(name), this.#isTimestamped(name))
  }

  /** As `store`, for a store of windows. */
  windowStore<K, V>(store: QueryableTable<Windowed<K>, V>): WindowStoreReads<K, V>
  windowStore<K, V>(store: string): WindowStoreReads<K, V>
  windowStore<K, V>(store: string | QueryableTable<Windowed<K>, V>): WindowStoreReads<K, V> {
    const name = storeNameOf(store)
    return windowReads(this.#storeOrThrow(name), this.#isTimestamped(name))
  }

  /** As `store`, for a store of sessions. */
  sessionStore<K, V>(store: QueryableTable<Windowed<K>, V>): SessionStoreReads<K, V>
  sessionStore<K, V>(store: string): SessionStoreReads<K, V>
  sessionStore<K, V>(store: string | QueryableTable<Windowed<K>, V>): SessionStoreReads<K, V> {
    return sessionReads(this.#storeOrThrow(storeNameOf(store)))
  }

  /** As `store`, for a store that keeps versions. */
  versionedStore<K, V>(store: QueryableTable<K, V>): ReadOnlyVersionedStore<K, V>
  versionedStore<K, V>(store: string): ReadOnlyVersionedStore<K, V>
  versionedStore<K, V>(store: string | QueryableTable<K, V>): ReadOnlyVersionedStore<K, V> {
    return versionedReads(this.#storeOrThrow(storeNameOf(store)))
  }

  /**
   * The store itself, to read and write, as processors get it; of a table's use
   * `getTimestampedKeyValueStore`. Throws `UNKNOWN_STORE`.
   */
  getKeyValueStore<K, V>(name: string): KeyValueStore<K, V> {
    return this.#storeOrThrow(name) as KeyValueStore<K, V>
  }

  getTimestampedKeyValueStore<K, V>(name: string): KeyValueStore<K, ValueAndTimestamp<V>> {
    return this.#storeOrThrow(name) as KeyValueStore<K, ValueAndTimestamp<V>>
  }

  /**
   * As `getKeyValueStore`. For a timestamped store, such as that of a windowed aggregate, use
   * `getTimestampedWindowStore`.
   */
  getWindowStore<K, V>(name: string): WindowStore<K, V> {
    return this.#storeOrThrow(name) as WindowStore<K, V>
  }

  getTimestampedWindowStore<K, V>(name: string): WindowStore<K, ValueAndTimestamp<V>> {
    return this.#storeOrThrow(name) as WindowStore<K, ValueAndTimestamp<V>>
  }

  getSessionStore<K, V>(name: string): SessionStore<K, V> {
    return this.#storeOrThrow(name) as SessionStore<K, V>
  }

  /** Throws where there is no such store. */
  getVersionedKeyValueStore<K, V>(name: string): VersionedKeyValueStore<K, V> {
    return this.#storeOrThrow(name) as VersionedKeyValueStore<K, V>
  }

  /** Topics to which anything was sent, internal ones included. */
  producedTopicNames(): string[] {
    return this.#produced.topics()
  }

  /** Everything sent to a topic since the start, read or not: for internal topics, too. */
  producedRecords(topic: string): readonly OutgoingRecord[] {
    return this.#produced.all(topic)
  }

  metrics(): MetricSample[] {
    return this.#metrics.samples()
  }

  metricTotal(name: string): number {
    return this.#metrics.total(name)
  }

  /** Closes processors and stores; everything is gone. */
  close(): void {
    // Memory engines hold nothing to wait for.
    void this.#task?.close()
    for (const task of this.#globals) task.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #storeOrThrow(name: string): StateStore {
    const store = this.getStateStore(name)
    if (store) return store
    const names = [...this.stores().keys()].join(', ') || 'none'
    throw new StreamsError('UNKNOWN_STORE', `there is no store "${name}"; the topology has: ${names}`)
  }

  #isTimestamped(name: string): boolean {
    const plans = [...this.#plan.subtopologies, ...this.#plan.globalSubtopologies]
    return plans.some(({ stores }) =>
      stores.some(({ builder }) => builder.name === name && builder.timestamped === true),
    )
  }

  /** Goes on while calls end; one that does not within some turns of the event loop needs time. */
  async #letCallsEnd(): Promise<void> {
    for (let turns = 0; turns < QUIET_TURNS; turns += 1) {
      this.#run(() => undefined)
      if (!this.#task || this.#task.deferredInputs === 0) return
      this.#wake = () => (turns = 0)
      await systemClock.nextTurn()
    }
  }

  /** Everything that comes in, and all that follows from it. */
  #run(action: () => void): void {
    this.#isProcessing = true
    try {
      action()
      this.#processAll()
    } finally {
      this.#isProcessing = false
    }
  }

  #openTask(plan: SubtopologyPlan): StreamTask {
    const id = taskId(0, 0)
    const engines = { persistent: openMemoryEngine(), memory: openMemoryEngine() }
    const state = new StateManager(plan.stores, plan.nodes, engines, this.#memory)
    const collector = new RecordCollector({
      taskId: id,
      sink: { copies: false, send: record => this.#pending.push(record) },
      partitionCounts: () => 1,
      onProductionError: this.#settings.productionErrorHandler,
      applicationId: this.#settings.applicationId,
      deadLetterQueueTopic: this.#settings.deadLetterQueueTopic,
      nowMs: () => this.#clock.nowMs(),
      dropped: droppedRecords(this.#metrics, id),
    })
    return new StreamTask({
      id,
      plan,
      partitions: plan.sourceTopics.map(topic => ({ topic, partition: 0 })),
      settings: this.#settings,
      clock: this.#clock,
      logger: consoleLogger('warn'),
      metrics: this.#metrics,
      state,
      collector,
      tracer: registeredTracer(this.#settings.tracing, silentLogger),
      wake: () => this.#wake(),
      allowsRanges: () => !this.#isProcessing,
      globalStore: name =>
        this.#globals.map(task => task.state.store(name)).find(store => store !== undefined),
      sendChange: ({ changelogTopic, changelogIsSource }) => {
        if (changelogTopic === undefined || changelogIsSource) return undefined
        return (key, value, timestamp, headers) =>
          collector.sendTransient({ topic: changelogTopic, partition: 0, key, value, timestamp, headers })
      },
    })
  }

  #openGlobal(plan: SubtopologyPlan): GlobalTask {
    const task = new GlobalTask({
      plan,
      partitions: plan.sourceTopics.map(topic => ({ topic, partition: 0 })),
      settings: this.#settings,
      clock: this.#clock,
      logger: consoleLogger('warn'),
      metrics: this.#metrics,
      engines: { persistent: openMemoryEngine(), memory: openMemoryEngine() },
      memory: this.#memory,
      allowsRanges: () => !this.#isProcessing,
    })
    task.init()
    return task
  }

  #enqueue(record: OutgoingRecord, global: GlobalTask | undefined): void {
    const key = partitionKey(record.topic, record.partition)
    const offset = this.#offsets.get(key) ?? 0
    this.#offsets.set(key, offset + 1)
    const raw: RawRecord = { ...record, offset }
    const batch: RecordBatch = { topic: record.topic, partition: 0, records: [raw], nextOffset: offset + 1 }
    if (global) {
      global.apply(batch)
      global.commitNow()
      throwIfWaiting(global)
    } else {
      const task = present(this.#task, 'task')
      task.add(batch)
      // Takes up a record whose schema has come since the last call.
      task.isReady(this.#clock.monotonicMs(), () => 0)
      throwIfWaiting(task)
    }
  }

  /** A topic that matches a pattern is taken up with its first record. */
  #isSource(topic: string): boolean {
    if (this.#sourceTopics.has(topic)) return true
    const nodes = this.#plan.subtopologies.flatMap(plan => plan.nodes)
    const matches = nodes.some(
      node => node.kind === 'source' && node.pattern && matchesTopic(node.pattern, topic),
    )
    if (!matches) return false
    this.#sourceTopics.add(topic)
    present(this.#task, 'task').addPartition({ topic, partition: 0 })
    return true
  }

  #processAll(): void {
    const task = this.#task
    // Dead letters of records that cannot be deserialised: found out when they are queued.
    this.#collect()
    this.#drain()
    for (let steps = 1; task && this.#step(task); steps += 1) {
      this.#commit()
      if (steps >= this.#stepsMax && this.#isReady(task)) throw endless(task.lastInput.topic, this.#stepsMax)
    }
  }

  /** Results of asynchronous calls first: they are older than what waits. */
  #step(task: StreamTask): boolean {
    if (task.applyResult()) return true
    if (!this.#isReady(task)) return false
    task.beginRun()
    task.process()
    return true
  }

  #isReady(task: StreamTask): boolean {
    return task.isReady(this.#clock.monotonicMs(), () => 0)
  }

  /** Commits, and gives what was sent to whoever reads it: the outside, and the topology itself. */
  #commit(): void {
    const task = present(this.#task, 'task')
    task.prepareCommit()
    task.state.outputsFlushed()
    task.state.writeNow()
    task.committed(task.offsetsToCommit({ all: false }))
    task.endEpoch()
    this.#collect()
    this.#drain()
  }

  #collect(): void {
    for (const record of this.#pending) this.#produced.add(record)
  }

  #drain(): void {
    for (const record of this.#pending.splice(0)) {
      const global = this.#globals.find(task => task.partitions.some(({ topic }) => topic === record.topic))
      if (global || this.#sourceTopics.has(record.topic)) this.#enqueue(record, global)
    }
  }
}

/** Schemas are fetched asynchronously, and nothing here can wait: the error says how to have them before. */
function throwIfWaiting({ waitingFor }: { readonly waitingFor: SerdePendingError | undefined }): void {
  if (waitingFor) throw waitingFor
}
