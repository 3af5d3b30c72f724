import type { RawRecord, TopicPartition, TopicPartitionOffset } from '../../broker/broker.ts'
import { present } from '../../common/assert.ts'
import { TopologyError } from '../../common/errors/errors.ts'
import { partitionKey } from '../../common/ids.ts'
import type { Engine, EngineLoad } from '../../store/engine/engine.ts'
import { WriteBatch, type EngineWrite } from '../../store/engine/write-batch.ts'
import type { ChangelogOptions, StateStore, StoreContext } from '../../store/contract/state-store.ts'
import { storeEntriesRange } from '../../store/contract/store-name.ts'
import type { NodePlan, StorePlan } from '../../topology/plan.ts'
import type { MemoryBudget, StoreShare } from './memory-budget.ts'
import { StoreMetrics } from '../metrics/store-metrics.ts'
import { marksOf, type ChangelogMarks } from './changelog-marks.ts'
import {
  clearStore,
  offsetWrite,
  positionWrite,
  readOffset,
  readRefill,
  readStoredPosition,
  readUsedAt,
  refillWrite,
  usedAtWrite,
  type StoredPosition,
  type TaskEngines,
} from './task-engines.ts'

/** A store's context without its engine and changelog. */
export type SharedStoreContext = Omit<
  StoreContext,
  'engine' | 'log' | 'changelogTopic' | 'cacheBytesMax' | 'readCacheBytesMax'
>

/** Sends a change of a store to its changelog. */
export type ChangelogSend = (plan: StorePlan) => StoreContext['log']

/** A changelog partition of a task and the store it feeds. */
export interface Changelog {
  readonly topic: string
  readonly storeName: string
  /**
   * Whether the changelog is a source topic, which is replayed to the committed offset only, and to which
   * nothing is sent.
   */
  readonly isSource: boolean
  readonly persistent: boolean
  /** The position at which a replay has to start; undefined: the beginning. */
  readonly position: StoredPosition | undefined
  /** The id of the topic that is being filled from this store. */
  readonly refilling: string | undefined
  /** Options of the topic in the topology. */
  readonly options: ChangelogOptions | undefined
}

/** The stores of one task: opened over its engines, committed together. */
export class StateManager {
  readonly #plans: readonly StorePlan[]
  readonly #engines: TaskEngines
  readonly #memory: MemoryBudget
  #shares: StoreShare[] = []
  readonly #stores = new Map<string, StateStore>()
  /** Ids of the task's changelogs as of its restore, which are stored beside the positions. */
  readonly topicIds = new Map<string, string>()
  /**
   * Offsets, by input partition, up to which readers from outside see the effects of records: later than
   * their commit.
   */
  readonly shownOffsets = new Map<string, number>()
  #marks: ChangelogMarks | undefined
  /** Writes on their way to the engines; reads see them in the stores meanwhile. */
  #writing: Promise<void> | undefined

  constructor(
    plans: readonly StorePlan[],
    nodes: readonly NodePlan[],
    engines: TaskEngines,
    memory: MemoryBudget,
  ) {
    this.#plans = inOrderOfUse(plans, nodes)
    this.#engines = engines
    this.#memory = memory
  }

  /**
   * Builds the stores, also again after an abort: the new ones see the content of the engines. `holdBack`:
   * whether caches may hold changes back.
   */
  open(shared: SharedStoreContext, send: ChangelogSend, options: { readonly holdBack: boolean }): void {
    this.#forgetStores()
    for (const plan of this.#plans) {
      const store = plan.builder.build()
      const { metrics, taskId } = shared
      const measures = metrics.isDebug ? new StoreMetrics(metrics, taskId, store.name) : undefined
      const engine = this.#engineOf(plan)
      const share = this.#memory.join({ caching: options.holdBack && plan.builder.caching })
      this.#shares.push(share)
      store.open({
        ...shared,
        engine: measures?.watchEngine(engine) ?? engine,
        log: send(plan),
        changelogTopic: plan.changelogTopic ?? store.name,
        // Shares are looked up anew each time: they change as tasks come and go.
        get cacheBytesMax() {
          return share.cacheBytesMax
        },
        get readCacheBytesMax() {
          return share.readCacheBytesMax
        },
      })
      measures?.watch(store)
      this.#stores.set(store.name, store)
    }
  }

  async load(): Promise<void> {
    for (const store of this.#stores.values()) await store.load()
  }

  store(name: string): StateStore | undefined {
    return this.#stores.get(name)
  }

  get stores(): ReadonlyMap<string, StateStore> {
    return this.#stores
  }

  get uncommittedBytes(): number {
    let bytes = 0
    for (const store of this.#stores.values()) bytes += store.uncommittedBytes
    return bytes
  }

  /**
   * Whether a store may have changes that are not in the engines yet. Stores of a kind of their own may count
   * their bytes as they like, so they always may.
   */
  get mayHaveChanged(): boolean {
    return this.uncommittedBytes > 0 || this.#plans.some(({ builder }) => builder.kind === undefined)
  }

  changelogs(): Changelog[] {
    return this.#plans
      .filter(plan => plan.changelogTopic !== undefined)
      .map(plan => {
        const topic = present(plan.changelogTopic, 'changelog topic')
        const { name, persistent } = plan.builder
        const engine = this.#engineOf(plan)
        return {
          topic,
          storeName: name,
          isSource: plan.changelogIsSource,
          persistent,
          position: readStoredPosition(engine, topic),
          refilling: readRefill(engine, topic),
          options: plan.builder.changelog,
        }
      })
  }

  /** Marks of the changelogs for the next commit. */
  get changelogMarks(): ChangelogMarks {
    return (this.#marks ??= marksOf(this.#loggedIds()))
  }

  *#loggedIds(): Iterable<readonly [string, string]> {
    for (const { topic, storeName, isSource } of this.changelogs()) {
      const topicId = isSource ? undefined : this.topicIds.get(topic)
      if (topicId !== undefined) yield [storeName, topicId]
    }
  }

  /** Whether the engine has any row of the store. */
  async holdsRows(storeName: string): Promise<boolean> {
    const rows = this.#engineOfStore(storeName).entries({
      ...storeEntriesRange(storeName),
      limit: 1,
      values: false,
    })
    for await (const _row of rows) return true
    return false
  }

  /** Offsets of these partitions that were committed with the state on disk, by `partitionKey`. */
  storedOffsets(partitions: readonly TopicPartition[]): Map<string, number> {
    const found = new Map<string, number>()
    const { persistent } = this.#engines
    if (!persistent) return found
    for (const { topic, partition } of partitions) {
      const key = partitionKey(topic, partition)
      const offset = readOffset(persistent, key)
      if (offset !== undefined) found.set(key, offset)
    }
    return found
  }

  /** Time at which a commit or a restore last reached the disk; undefined where that is not known. */
  get usedAtMs(): number | undefined {
    const { persistent } = this.#engines
    return persistent && readUsedAt(persistent)
  }

  /**
   * Removes the rows of these stores from the disk. The task must be opened anew afterwards: stores may have
   * rows in memory, too.
   */
  async clear(storeNames: readonly string[]): Promise<void> {
    for (const plan of this.#plans) {
      if (storeNames.includes(plan.builder.name)) await clearStore(this.#engineOf(plan), plan)
    }
  }

  /** Stores the positions, by topic, at the end of a restore. */
  async restored(positions: ReadonlyMap<string, number>, usedAtMs: number): Promise<void> {
    const batches = new Map<Engine, WriteBatch>()
    for (const plan of this.#plans) {
      const topic = plan.changelogTopic
      const offset = topic === undefined ? undefined : positions.get(topic)
      if (topic === undefined || offset === undefined || !plan.builder.persistent) continue
      const batch = batchOf(batches, this.#engineOf(plan))
      put(batch, positionWrite(topic, offset, this.topicIds.get(topic)))
      put(batch, refillWrite(topic, null))
      put(batch, usedAtWrite(usedAtMs))
    }
    for (const [engine, batch] of batches) await engine.write(batch)
  }

  /** Notes in the engine of the store that its changelog is about to be filled. */
  async refilling(storeName: string, topic: string): Promise<void> {
    const write = refillWrite(topic, this.topicIds.get(topic) ?? '')
    await this.#engineOfStore(storeName).write(WriteBatch.of([write]))
  }

  /** Prepares the engines for a load. Until it resolves nothing may touch the stores. */
  async prepareFor(load: EngineLoad): Promise<void> {
    await this.#engines.persistent?.prepareFor(load)
  }

  /** Applies replayed records and makes them durable together with the position behind them. */
  async restore(
    storeName: string,
    records: readonly RawRecord[],
    position: { readonly topic: string; readonly offset: number; readonly usedAtMs: number },
  ): Promise<void> {
    const store = present(this.#stores.get(storeName), `store ${storeName}`)
    store.restore(records)
    const batch = new WriteBatch()
    store.stage(batch)
    const { topic, offset, usedAtMs } = position
    put(batch, positionWrite(topic, offset, this.topicIds.get(topic)))
    put(batch, usedAtWrite(usedAtMs))
    await this.#engineOfStore(storeName).write(batch)
    store.staged()
  }

  /** Makes caches forward their changes; then all changes go to the changelogs. */
  prepareCommit(): void {
    this.#engines.state?.throwIfFailed()
    for (const store of this.#stores.values()) store.flush()
    for (const store of this.#stores.values()) store.prepareCommit()
  }

  /** Whether a store has changes that have to wait for `outputsFlushed`. */
  get waitsForFlush(): boolean {
    for (const store of this.#stores.values()) if (store.outputsFlushed) return true
    return false
  }

  /**
   * Under at-least-once: tells the stores that all outputs are flushed. They may have changes that had to
   * wait for that.
   */
  outputsFlushed(): void {
    for (const store of this.#stores.values()) store.outputsFlushed?.()
  }

  /**
   * Starts writing the committed epoch, one batch an engine; `written` waits for it. Only one such write at a
   * time. The engine on disk also gets `extra`, and the offsets that were committed with it.
   */
  startWriting(
    positions: ReadonlyMap<string, number>,
    extra: readonly EngineWrite[],
    offsets: readonly TopicPartitionOffset[] = [],
  ): void {
    const batches = new Map<Engine, WriteBatch>()
    for (const plan of this.#plans) {
      const batch = batchOf(batches, this.#engineOf(plan))
      present(this.#stores.get(plan.builder.name), 'store').stage(batch)
      const topic = plan.changelogTopic
      if (topic === undefined) continue
      // The committed offset of a source topic is the position of its table.
      const position = plan.changelogIsSource
        ? offsets.find(each => each.topic === topic)?.offset
        : positions.get(topic)
      if (position !== undefined) put(batch, positionWrite(topic, position, this.topicIds.get(topic)))
    }
    const { persistent } = this.#engines
    if (persistent) {
      for (const write of extra) put(batchOf(batches, persistent), write)
      for (const { topic, partition, offset } of offsets)
        put(batchOf(batches, persistent), offsetWrite(partitionKey(topic, partition), offset))
    }
    const writes: Promise<void>[] = []
    for (const [engine, batch] of batches) if (batch.count > 0) writes.push(engine.write(batch))
    const stores = [...this.#stores.values()]
    this.#writing = Promise.all(writes).then(() => {
      for (const store of stores) store.staged()
      for (const { topic, partition, offset } of offsets)
        this.shownOffsets.set(partitionKey(topic, partition), offset)
      this.#engines.state?.committed()
    })
    // A failure is thrown by `written`, before anything depends on the write.
    this.#writing.catch(() => undefined)
  }

  /** The write under way, for observers; `written` still has to be called. */
  get writing(): Promise<void> {
    return this.#writing ?? Promise.resolve()
  }

  /** Waits for the write under way. Rejects if the engine refused it. */
  async written(): Promise<void> {
    const writing = this.#writing
    this.#writing = undefined
    await writing
  }

  /** Writes at once, for a synchronous driver over memory engines, whose writes are readable at the call. */
  writeNow(): void {
    this.startWriting(new Map(), [])
    this.#writing = undefined
  }

  close(): void {
    for (const store of this.#stores.values()) store.close()
    this.#forgetStores()
  }

  #forgetStores(): void {
    this.#stores.clear()
    for (const share of this.#shares) this.#memory.leave(share)
    this.#shares = []
  }

  #engineOf(plan: StorePlan): Engine {
    return plan.builder.persistent
      ? present(this.#engines.persistent, 'persistent engine')
      : this.#engines.memory
  }

  #engineOfStore(name: string): Engine {
    return this.#engineOf(
      present(
        this.#plans.find(plan => plan.builder.name === name),
        `store ${name}`,
      ),
    )
  }
}

function batchOf(batches: Map<Engine, WriteBatch>, engine: Engine): WriteBatch {
  let batch = batches.get(engine)
  if (!batch) batches.set(engine, (batch = new WriteBatch()))
  return batch
}

function put(batch: WriteBatch, { key, value }: EngineWrite): void {
  batch.put(key, value)
}

/**
 * Stores by the first node that uses them. Caches are flushed in this order, so that changes of one still
 * reach the caches below it, and output comes in the order of Kafka Streams.
 */
function inOrderOfUse(plans: readonly StorePlan[], nodes: readonly NodePlan[]): StorePlan[] {
  const rank = new Map<string, number>()
  for (const node of nodes) {
    if (node.kind !== 'processor') continue
    for (const name of node.stores) if (!rank.has(name)) rank.set(name, rank.size)
  }
  const names = new Set(plans.map(plan => plan.builder.name))
  if (names.size !== plans.length) throw new TopologyError('DUPLICATE_STORE', 'two stores have the same name')
  const last = rank.size
  return [...plans].sort(
    (left, right) => (rank.get(left.builder.name) ?? last) - (rank.get(right.builder.name) ?? last),
  )
}
