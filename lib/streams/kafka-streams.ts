import type { Observable } from 'rxjs'
import type { Admin, TopicPartitionOffset } from '../broker/broker.ts'
import { errorFrom, StreamsError } from '../common/errors/errors.ts'
import type { Counter } from '../common/metrics/meter.ts'
import type { Metrics } from '../common/metrics/metrics.ts'
import type { Windowed } from '../common/windowed.ts'
import type { GlobalKTable } from '../dsl/api/kstream.ts'
import { storeNameOf, type QueryableTable } from '../dsl/api/queryable-table.ts'
import { AdminOnDemand } from '../broker/open/admin-on-demand.ts'
import { ControlClient } from '../patterns/control/control-client.ts'
import { ControlTargets } from '../patterns/control/control-targets.ts'
import { DeadLetters } from '../patterns/letters/dead-letters.ts'
import { letterBoxes } from '../patterns/letters/letter-box.ts'
import { ScheduleClient } from '../patterns/schedules/schedule-client.ts'
import { presentUser } from '../patterns/present-user.ts'
import { ChangeFeed } from '../runtime/state/change-feed.ts'
import { checkSerdes } from '../runtime/plan/check-serdes.ts'
import type { GlobalThread } from '../runtime/thread/global-thread.ts'
import { MemoryBudget } from '../runtime/state/memory-budget.ts'
import type { WaitingRecord } from '../processor/deferred-work.ts'
import type { RuntimeSettings } from '../runtime/plan/settings.ts'
import { StateDirectory } from '../runtime/state/state-directory.ts'
import { Supervisor } from '../runtime/thread/supervisor.ts'
import type { ReadOnlyKeyValueStore, ValueAndTimestamp } from '../store/contract/key-value-store.ts'
import type { ReadOnlySessionStore } from '../store/contract/session-store.ts'
import type { ReadOnlyVersionedStore } from '../store/contract/versioned-key-value-store.ts'
import type { ReadOnlyWindowStore } from '../store/contract/window-store.ts'
import type { TopologyPlan } from '../topology/plan.ts'
import type { Topology } from '../topology/topology.ts'
import { watchClient } from './client-metrics.ts'
import {
  completeComponents,
  replacesThread,
  type CompleteComponents,
  type StreamsComponents,
} from './components.ts'
import { closeOnSignals } from './close-on-signals.ts'
import { planOptions, resolveConfig, type StreamsConfig } from './config.ts'
import { ensureTopics } from './ensure-topics.ts'
import { isOver } from './is-over.ts'
import { observable } from './observable.ts'
import { StoreCatalogue } from './store-catalogue.ts'
import type { StoreQueryOptions } from './store-query-options.ts'
import { StoreReader } from './store-reader.ts'
import { storeChanges, type StoreChange } from './store-changes.ts'
import type { KeyOwner, StoreDescription } from './store-description.ts'
import { streamsStateMachine, whenRunning, type StreamsState } from './streams-state.ts'
import { describeTasks, type TaskDescription } from './task-description.ts'
import { waitingRecordsOf, type WaitingRecordsOptions } from './waiting-records.ts'

type StoreName = string | Pick<GlobalKTable<unknown, unknown>, 'queryableStoreName'>

export interface CloseOptions {
  /** Milliseconds for a clean close. Default 20,000. */
  readonly timeoutMs?: number
}

const CLOSE_TIMEOUT_MS = 20_000
/** Time after which work that still runs at the end of a slow close is left to itself. */
const LEAVE_MS = 5_000

/**
 * A running application: one topology over one broker, in this process. Several processes with the same
 * `applicationId` share the work.
 *
 * ```ts
 * const streams = new KafkaStreams(builder.build(), { applicationId: 'word-count' }, { broker })
 * await streams.start()
 * …
 * await streams.close()
 * ```
 */
export class KafkaStreams implements AsyncDisposable {
  readonly #topology: Topology
  readonly #settings: RuntimeSettings
  readonly #components: CompleteComponents
  readonly #plan: TopologyPlan
  readonly #stores: StoreCatalogue
  readonly #reader: StoreReader
  readonly #state = streamsStateMachine()
  readonly #memory: MemoryBudget
  readonly #feed = new ChangeFeed()
  readonly #globalFeed = new ChangeFeed()
  readonly #stop = new AbortController()
  readonly #force = new AbortController()
  readonly #failedThreads: Counter
  readonly #admin: AdminOnDemand
  #supervisor: Supervisor | undefined
  #work: Promise<void> | undefined
  #closing: Promise<void> | undefined
  #error: Error | undefined

  /**
   * Throws `ConfigError` for settings that are unknown or malformed, `TopologyError` for a topology that
   * cannot run.
   */
  constructor(topology: Topology, config: StreamsConfig, components: StreamsComponents) {
    this.#topology = topology
    this.#settings = resolveConfig(config)
    this.#memory = new MemoryBudget(this.#settings)
    this.#components = completeComponents(components, this.#settings)
    this.#admin = new AdminOnDemand(components.broker)
    this.#plan = topology.plan(this.#settings.applicationId, planOptions(this.#settings))
    checkSerdes(this.#plan, this.#settings, name => topology.addedAt(name))
    this.#failedThreads = watchClient(this.metrics, {
      clientId: this.#settings.clientId,
      state: () => this.state,
      aliveThreads: () => (this.#supervisor?.thread ? 1 : 0),
    })
    this.#stores = new StoreCatalogue(this.#plan, this.#settings, () => this.#supervisor)
    this.#reader = new StoreReader(this.#stores, () => this.#supervisor)
  }

  get state(): StreamsState {
    return this.#state.state
  }

  /** The error that ended the application, in the states `pending-error` and `error`. */
  get error(): Error | undefined {
    return this.#error
  }

  get metrics(): Metrics {
    return this.#components.metrics
  }

  get applicationId(): string {
    return this.#settings.applicationId
  }

  /** The state now and every change of it; completes when the application has closed. */
  get states(): Observable<StreamsState> {
    return observable(subscriber => {
      subscriber.next(this.state)
      return this.#state.onChange(state => {
        subscriber.next(state)
        if (state === 'not-running') subscriber.complete()
      })
    })
  }

  /**
   * Resolves when every task that this process has processes, and global stores are loaded: at once where
   * that is so now, else as soon as it is, after a rebalance too. Rejects with the error that ends the
   * application, and with `CLOSED` where it closes before.
   */
  get ready(): Promise<void> {
    return whenRunning(this.#state, () => this.#error)
  }

  /** Returns a function that unsubscribes. */
  onStateChange(listener: (state: StreamsState, previous: StreamsState) => void): () => void {
    return this.#state.onChange(listener)
  }

  describe(): string {
    return this.#topology.describe()
  }

  /**
   * Resolves when every task that this process has been given processes, and global stores are loaded.
   * Rejects with the error that makes that impossible; the application is in state `error` then, and closed.
   * @example
   * ```ts
   * streams.onStateChange(state => console.log(state))
   * await streams.start()
   * ```
   */
  async start(): Promise<void> {
    if (!this.#state.is('created')) {
      throw new StreamsError(
        'ALREADY_STARTED',
        `start() was called in state ${this.state}: make a new KafkaStreams to start again`,
      )
    }
    this.#state.moveTo('rebalancing')
    const { ready } = this
    this.#work = this.#run()
    await ready
  }

  /**
   * Closes on SIGTERM and SIGINT, and then calls `andThen`, for what belongs to the program: its server, the
   * broker. The process ends by itself when nothing else is open; a second signal ends it at once, with exit
   * code 1. Returns a function that removes the handlers.
   */
  closeOnSignals(andThen: () => Promise<void> = async () => undefined): () => void {
    const { clock, logger } = this.#components
    return closeOnSignals({ close: () => this.close().finally(andThen), clock, logger })
  }

  /**
   * Commits, closes tasks and leaves the group. Where that takes longer than `timeoutMs`, milliseconds, since
   * no broker answers, it closes without the last commit: what came since the one before is processed again
   * at the next start. Idempotent, in any state; a later call with a shorter time shortens it, with 0 ends it
   * at once.
   */
  async close({ timeoutMs = CLOSE_TIMEOUT_MS }: CloseOptions = {}): Promise<void> {
    this.#closing ??= this.#close()
    const { clock, logger } = this.#components
    const over = new AbortController()
    const closed = this.#closing.finally(() => over.abort())
    if (await isOver(closed, clock.sleep(timeoutMs, over.signal), over.signal)) return
    if (!this.#force.signal.aborted)
      logger.log(
        'warn',
        `the application has not closed within ${timeoutMs} ms: it closes without the last commit`,
      )
    this.#force.abort()
    if (await isOver(closed, clock.sleep(LEAVE_MS, over.signal), over.signal)) return
    logger.log('error', 'a client of the broker does not close; it is left behind')
    this.#end()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /**
   * The store of a table, or of this name, as this process has it: its tasks' parts of it, or all of a global
   * one. `committed` (the default) shows what the last commit made true, `latest` what has been processed
   * since, too. Tables and aggregates are shown without their timestamps (`timestampedStore` has them).
   * Throws `UNKNOWN_STORE`; calls on the store throw `STORE_NOT_AVAILABLE` while no task here has it, and
   * those for a key `KEY_NOT_HERE` where it is not found and `keyOwner` says that another process has its
   * part (`STORE_NOT_AVAILABLE` while this one restores it).
   * @example
   * ```ts
   * const clickCounts = streams.store<string, number>('click-counts')
   * clickCounts.get('ada')
   * ```
   */
  store<K, V>(store: QueryableTable<K, V>, options?: StoreQueryOptions): ReadOnlyKeyValueStore<K, V>
  store<K, V>(store: string, options?: StoreQueryOptions): ReadOnlyKeyValueStore<K, V>
  store<K, V>(store: StoreName, options: StoreQueryOptions = {}): ReadOnlyKeyValueStore<K, V> {
    const name = storeNameOf(store)
    return this.#reader.values<K, V>(name, options)
  }

  /** A table's or aggregate's store with the timestamps of its values. */
  timestampedStore<K, V>(
    store: QueryableTable<K, V>,
    options?: StoreQueryOptions,
  ): ReadOnlyKeyValueStore<K, ValueAndTimestamp<V>>
  timestampedStore<K, V>(
    store: string,
    options?: StoreQueryOptions,
  ): ReadOnlyKeyValueStore<K, ValueAndTimestamp<V>>
  timestampedStore<K, V>(
    store: StoreName,
    options: StoreQueryOptions = {},
  ): ReadOnlyKeyValueStore<K, ValueAndTimestamp<V>> {
    const name = storeNameOf(store)
    return this.#reader.timestampedValues<K, V>(name, options)
  }

  /** A store of windows, read like `store`; a call on a store of another kind throws `STORE_NOT_READABLE`. */
  windowStore<K, V>(
    store: QueryableTable<Windowed<K>, V>,
    options?: StoreQueryOptions,
  ): ReadOnlyWindowStore<K, V>
  windowStore<K, V>(store: string, options?: StoreQueryOptions): ReadOnlyWindowStore<K, V>
  windowStore<K, V>(store: StoreName, options: StoreQueryOptions = {}): ReadOnlyWindowStore<K, V> {
    const name = storeNameOf(store)
    return this.#reader.windows<K, V>(name, options)
  }

  /** The store of a windowed aggregate with the timestamps of its values. */
  timestampedWindowStore<K, V>(
    store: QueryableTable<Windowed<K>, V>,
    options?: StoreQueryOptions,
  ): ReadOnlyWindowStore<K, ValueAndTimestamp<V>>
  timestampedWindowStore<K, V>(
    store: string,
    options?: StoreQueryOptions,
  ): ReadOnlyWindowStore<K, ValueAndTimestamp<V>>
  timestampedWindowStore<K, V>(
    store: StoreName,
    options: StoreQueryOptions = {},
  ): ReadOnlyWindowStore<K, ValueAndTimestamp<V>> {
    const name = storeNameOf(store)
    return this.#reader.timestampedWindows<K, V>(name, options)
  }

  /**
   * A store of sessions, read like `store`; a call on a store of another kind throws `STORE_NOT_READABLE`.
   */
  sessionStore<K, V>(
    store: QueryableTable<Windowed<K>, V>,
    options?: StoreQueryOptions,
  ): ReadOnlySessionStore<K, V>
  sessionStore<K, V>(store: string, options?: StoreQueryOptions): ReadOnlySessionStore<K, V>
  sessionStore<K, V>(store: StoreName, options: StoreQueryOptions = {}): ReadOnlySessionStore<K, V> {
    const name = storeNameOf(store)
    return this.#reader.sessions<K, V>(name, options)
  }

  /** A versioned store, to be asked for the latest version of a key or for that of a moment. */
  versionedStore<K, V>(store: QueryableTable<K, V>, options?: StoreQueryOptions): ReadOnlyVersionedStore<K, V>
  versionedStore<K, V>(store: string, options?: StoreQueryOptions): ReadOnlyVersionedStore<K, V>
  versionedStore<K, V>(store: StoreName, options: StoreQueryOptions = {}): ReadOnlyVersionedStore<K, V> {
    const name = storeNameOf(store)
    return this.#reader.versions<K, V>(name, options)
  }

  /**
   * Which part of a store has a key, or would have it: the partition that the default partitioner (murmur2 of
   * the key's bytes, by the store's serde) gives it among those of the sub-topology's inputs. In a store of
   * windows or sessions a key is one without its window. It is known for what the DSL keeps (tables,
   * aggregates, windowed or not) and for read-only stores. `partition` is undefined for global stores; for
   * stores of one's own processors, whose keys are whatever these put; for tables whose keys are in windows;
   * where a sink or `repartition` of the topology writes the inputs by a partitioner of its own; and where
   * the inputs have unlike partition counts. What other programs write by another partitioner than the
   * default cannot be seen here: then the answer is wrong. Throws `UNKNOWN_STORE`, and `STORE_NOT_AVAILABLE`
   * while the application has not joined its group.
   */
  keyOwner(store: StoreName, key: unknown): KeyOwner {
    const name = storeNameOf(store)
    return this.#stores.keyOwner(name, key)
  }

  /**
   * A store as the topology has it, and which parts of it this process has at present. Throws
   * `UNKNOWN_STORE`.
   */
  describeStore(store: StoreName): StoreDescription {
    const name = storeNameOf(store)
    return this.#stores.describe(name)
  }

  /** Every store, those that operators keep for themselves included. */
  describeStores(): readonly StoreDescription[] {
    return this.#stores.names.map(name => this.#stores.describe(name))
  }

  /** Tasks that this process has at present, or is taking over. */
  describeTasks(): readonly TaskDescription[] {
    return describeTasks(this.#supervisor)
  }

  /**
   * Changes of a store in this process, from now on, each after the commit that made it true; one a key and
   * commit.
   */
  changes<K, V>(store: QueryableTable<K, V>): Observable<StoreChange<K, V>>
  changes<K, V>(store: string): Observable<StoreChange<K, V>>
  changes<K, V>(store: StoreName): Observable<StoreChange<K, V>> {
    const name = storeNameOf(store)
    const { plan, isGlobal } = this.#checkStore(name)
    return storeChanges<K, V>(isGlobal ? this.#globalFeed : this.#feed, plan, this.#settings)
  }

  /**
   * Resolves when this process's copy of a global store holds everything that its topic held at the call:
   * what you have written, and had acknowledged, you read after it. Throws `UNKNOWN_STORE`, and
   * `STORE_NOT_AVAILABLE` for a store that is not global, or not open; rejects with `CLOSED`.
   */
  async caughtUp(store: StoreName): Promise<void> {
    const name = storeNameOf(store)
    await this.#globalOf(name).caughtUp(name)
  }

  /**
   * How far this process's copy of a global store is: for each partition of its topic the offset of the next
   * record. Throws as `caughtUp`.
   */
  globalPositions(store: StoreName): readonly TopicPartitionOffset[] {
    const name = storeNameOf(store)
    return this.#globalOf(name).positions(name)
  }

  /**
   * Dead letters of the operators with retry, in every partition, whichever process has it: to look at, to
   * have processed again, or to do away with. `by`: who acts, for the ledger; default: user and host.
   * @example
   * ```ts
   * const { letters } = await streams.deadLetters().replay({ operator: 'charge', error: 'CardDeclined' })
   * ```
   */
  deadLetters({ by = presentUser() }: { readonly by?: string } = {}): DeadLetters {
    const { broker, clock, random } = this.#components
    const { applicationId } = this.#settings
    const boxes = letterBoxes(this.#plan, this.#settings)
    return new DeadLetters({ applicationId, boxes, broker, admin: this.#admin.get, clock, random, by })
  }

  /** Pauses, resumes, skips and ignores what operators with retry do, in every process. `by`: as above. */
  control({ by = presentUser() }: { readonly by?: string } = {}): ControlClient {
    const { broker, clock } = this.#components
    const { applicationId, defaultKeySerde } = this.#settings
    const targets = new ControlTargets(this.#plan, defaultKeySerde)
    return new ControlClient({ applicationId, targets, broker, admin: this.#admin.get, clock, by })
  }

  /**
   * Looks at schedules, writes those that are data, pauses, resumes and triggers them. `by`: as above.
   * @example
   * ```ts
   * const to = { sink: 'renewals', key: 'u7', value: { plan: 'yoga' } }
   * await streams.schedules().put('renew-u7', { cron: '0 6 1 * *', timeZone: 'America/Santiago', to })
   * ```
   */
  schedules({ by = presentUser() }: { readonly by?: string } = {}): ScheduleClient {
    return new ScheduleClient({ ...this.#components, plan: this.#plan, admin: this.#admin.get, by })
  }

  /**
   * Records that operators with retry hold in this process, with their attempts and their next call: a look
   * at one moment, of at most `limit` (default 1,000), in no order.
   */
  waitingRecords(options: WaitingRecordsOptions = {}): WaitingRecord[] {
    return waitingRecordsOf(this.#supervisor?.tasks ?? [], options)
  }

  /**
   * Removes this application's state from the disk; the next start restores it from the changelogs. Only
   * before `start` and after `close`, and only while no other process has the directory.
   */
  async cleanUp(): Promise<void> {
    if (!this.#state.is('created', 'not-running')) {
      throw new StreamsError(
        'STILL_RUNNING',
        `cleanUp() was called in state ${this.state}: close the application first`,
      )
    }
    await StateDirectory.remove(this.#settings, this.#components.random, this.#components.logger)
  }

  async #close(): Promise<void> {
    if (this.#state.is('created')) this.#state.moveTo('pending-shutdown')
    if (this.#state.canMoveTo('pending-shutdown')) this.#state.moveTo('pending-shutdown')
    this.#stop.abort()
    await this.#work
    await this.#admin.close()
    this.#end()
  }

  #end(): void {
    if (this.#state.canMoveTo('not-running')) this.#state.moveTo('not-running')
  }

  async #run(): Promise<void> {
    try {
      await this.#runOpened()
    } catch (reason) {
      this.#error = errorFrom(reason)
      this.#failedThreads.add()
      const error = this.#error
      this.#components.logger.log('error', `the application has failed: ${error.message}`, { error })
      if (this.#state.canMoveTo('pending-error')) this.#state.moveTo('pending-error')
      if (this.#state.canMoveTo('error')) this.#state.moveTo('error')
    }
  }

  async #runOpened(): Promise<void> {
    const { broker, random, logger } = this.#components
    const directory = await StateDirectory.open(this.#settings, random, logger)
    try {
      const admin = await broker.admin()
      try {
        await ensureTopics(this.#settings.topics, { broker, admin, logger })
        await this.#supervise(directory, admin)
      } finally {
        await admin.close()
      }
    } finally {
      await directory.close()
    }
  }

  async #supervise(directory: StateDirectory, admin: Admin): Promise<void> {
    const { onUncaughtError, logger } = this.#components
    this.#supervisor = new Supervisor({
      ...this.#components,
      plan: this.#plan,
      settings: this.#settings,
      admin,
      directory,
      memory: this.#memory,
      feed: this.#feed,
      globalFeed: this.#globalFeed,
      replacesAfter: error => {
        if (!replacesThread(onUncaughtError, error)) return false
        this.#failedThreads.add()
        logger.log('error', `the thread has failed and is replaced: ${error.message}`)
        return true
      },
      onState: state => this.#tellState(state),
    })
    await this.#supervisor.run({ stop: this.#stop.signal, force: this.#force.signal })
    this.#supervisor = undefined
  }

  #tellState(state: 'rebalancing' | 'running'): void {
    if (this.#state.is('rebalancing', 'running')) this.#state.moveTo(state)
  }

  #globalOf(name: string): GlobalThread {
    const global = this.#supervisor?.global
    if (this.#checkStore(name).isGlobal && global) return global
    throw new StreamsError('STORE_NOT_AVAILABLE', `store "${name}" is not a global store that is open now`)
  }

  #checkStore(name: string) {
    return this.#stores.entry(name)
  }
}
