import type { TaskId } from '../../common/ids.ts'
import type { Header } from '../../common/headers.ts'
import type { Logger } from '../../common/logger.ts'
import type { Metrics } from '../../common/metrics/metrics.ts'
import type { RecordContext } from '../../common/record-context.ts'
import type { Serde } from '../../serde/serde.ts'
import type { Engine } from '../engine/engine.ts'
import type { WriteBatch } from '../engine/write-batch.ts'

/** A changelog record on its way to a store, as a restore delivers it. */
export interface ChangelogRecord {
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly timestamp: number
  readonly headers: readonly Header[]
}

/** The task as its stores see it. */
export interface StoreContext {
  readonly applicationId: string
  /** Id of the task; undefined for global stores. */
  readonly taskId: TaskId | undefined
  /** The engine of the task; a store keeps to the keys below its own prefix (`storePrefix`). */
  readonly engine: Engine
  /**
   * Sends a change to the changelog; undefined where the store has none. The bytes need be valid only until
   * it returns.
   */
  readonly log:
    | ((key: Uint8Array, value: Uint8Array | null, timestamp: number, headers: readonly Header[]) => void)
    | undefined
  /** Topic for serdes: the changelog, or the store's name without one. */
  readonly changelogTopic: string
  /**
   * Whether the changelog gets one record a key and commit; with false, one for every write, at once, as from
   * Kafka Streams.
   */
  readonly changelogCoalescing: boolean
  /** Whether the stores of tables and aggregates keep headers with their values. Default: no. */
  readonly dslStoreFormat?: 'default' | 'headers' | undefined
  /**
   * This store's share of `cacheBytesMax` at present: it changes as other stores come and go. 0 turns caching
   * (holding back forwards) off; deserialised values may still be kept for reading.
   */
  readonly cacheBytesMax: number
  /**
   * This store's present share of the budget for clean values kept for reading, apart from `cacheBytesMax`:
   * bytes of heap, estimated. Default 16 MiB.
   */
  readonly readCacheBytesMax?: number | undefined
  readonly defaultKeySerde: Serde<unknown> | undefined
  readonly defaultValueSerde: Serde<unknown> | undefined
  /** The record being processed, for timestamps and for changes that a cache holds back. */
  recordContext(): RecordContext
  /**
   * Calls `action` as if that record were being processed, so that a cache can forward later. The argument
   * saves a closure for each change.
   */
  withRecordContext<A>(context: RecordContext, action: (argument: A) => void, argument: A): void
  streamTimeMs(): number
  /** Asks for a commit soon, where buffered state has outgrown its bound. */
  requestCommit(): void
  /** Whether outputs and changes of one commit become true together (exactly-once). Default: no. */
  readonly isTransactional?: boolean
  /**
   * Whether stores built without ranges may be iterated now. Present where every store is to keep the order
   * of its keys, for readers from outside between two records (the test driver). Processors may iterate no
   * more than elsewhere.
   */
  readonly allowsRanges?: (() => boolean) | undefined
  readonly metrics: Metrics
  readonly logger: Logger
}

/**
 * Named state of one task, as the runtime sees it. Reads and writes are synchronous; writes stay in memory
 * until the commit that makes them true:
 *
 * 1. `flush`: caches forward what they hold back (which may write to stores further down).
 * 2. `prepareCommit`: changes go to the changelog.
 * 3. … the broker commits. Processing goes on meanwhile: what is written now belongs to the next commit, its
 *    records too …
 * 4. `stage`: the writes up to `prepareCommit` are handed over for one engine batch of the whole task. Reads
 *    go on seeing them.
 * 5. `staged`: the batch is in the engine.
 *
 * An abort calls none of them: the store is dropped and built anew over the same engine, which still holds
 * the last commit.
 */
export interface StateStore {
  readonly name: string
  /**
   * Opens the store; synchronous. Over an engine without its rows (a test driver's) the store is usable at
   * once.
   */
  open(context: StoreContext): void
  /**
   * Loads the content that must be in memory (an index over keys) from the engine. After `open`, before the
   * first read.
   */
  load(): Promise<void>
  /**
   * Applies changelog records, in order, past any cache; `stage` writes them, and they are not logged again.
   * Their bytes must not change until `staged`: reads find them there meanwhile.
   */
  restore(records: readonly ChangelogRecord[]): void
  /**
   * The engine's rows, as records for a changelog that has to be filled anew; rows without a time get
   * `nowMs`. After `load`, before anything is put; each record is valid until the next one. Without the
   * method the records cannot be made from the rows.
   */
  content?(nowMs: number): AsyncIterable<ChangelogRecord>
  flush(): void
  prepareCommit(): void
  /**
   * Called under at-least-once only, between `prepareCommit` and `stage`: everything sent so far is safe, and
   * changes may still be sent to the changelog.
   */
  outputsFlushed?(): void
  stage(batch: WriteBatch): void
  staged(): void
  /** Estimated bytes that are not in the engine yet. */
  readonly uncommittedBytes: number
  /** Forgets everything in memory; the engine is not touched. */
  close(): void
}

/**
 * Kinds of stores, each with a layout of its own: changing one for the other under a name is an error. For
 * messages, too.
 */
export type StoreKind =
  | 'key-value store'
  | 'timestamped key-value store'
  | 'versioned key-value store'
  | 'window store'
  | 'timestamped window store'
  | 'window store with duplicates'
  | 'timestamped window store with duplicates'
  | 'session store'
  | 'buffer of a suppression'
  | 'buffer of a join with grace'
  | 'list of unmatched records'
  | 'store of pending calls'
  | 'timer store'
  | 'store of commands'
  | 'store of schedules'
  | typeof CUSTOM_KIND

/** Kind of a store whose builder has none. */
export const CUSTOM_KIND = 'store of a kind of its own'

/** Builds the stores of one name, one for each task. */
export interface StoreBuilder<S extends StateStore = StateStore> {
  readonly name: string
  /** Kind of the store, noted on disk beside the content, and compared at the next start. */
  readonly kind?: StoreKind
  /**
   * Whether the store is on the task's disk, or in memory (and then restored from the changelog at every
   * start).
   */
  readonly persistent: boolean
  /**
   * The changelog's options; undefined: none, so the content is lost with the disk, and wiped after an
   * unclean close under exactly-once.
   */
  readonly changelog: ChangelogOptions | undefined
  readonly caching: boolean
  /**
   * Whether the store's values carry timestamps (tables and aggregates): readers from outside get them on
   * request only.
   */
  readonly timestamped?: boolean
  /**
   * Whether the store's entries are inputs still to be processed, whose offsets are committed: with such
   * entries an application is not idle.
   */
  readonly holdsInputs?: boolean
  /**
   * Whether the store's keys are, apart from windows, those of the records that its task reads: a key then
   * tells its partition. Default: not known.
   */
  readonly keyedByRecord?: boolean
  /** Serdes of the changelog's bytes; undefined: the application's defaults. */
  readonly keySerde?: Serde<unknown> | undefined
  readonly valueSerde?: Serde<unknown> | undefined
  /** Size of the windows, in a store of windows. */
  readonly windowSizeMs?: number
  /** How long after its end a window takes records, where an operator decides that. */
  readonly windowGraceMs?: number
  build(): S
}

export interface ChangelogOptions {
  /** Topic settings that differ from the defaults of the store's kind. */
  readonly config: { readonly [name: string]: string }
  /** `cleanup.policy` of the store's kind: `compact`, or `compact,delete` for windows. */
  readonly cleanupPolicy: string
  /** How long the store keeps its entries; the topic keeps them a day longer. Undefined: for ever. */
  readonly retentionMs?: number | undefined
}
