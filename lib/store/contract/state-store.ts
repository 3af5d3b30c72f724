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

/** What a task gives its stores. */
export interface StoreContext {
  readonly applicationId: string
  /** Undefined for global stores. */
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
  /** The changelog's topic, or the store's name without one: what serdes are told. */
  readonly changelogTopic: string
  /**
   * True: one changelog record a key and commit. False: one for every write, at once, as Kafka Streams does.
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
   * Budget for clean values kept for reading, apart from `cacheBytesMax`: bytes of heap, estimated; its share
   * at present. Default 16 MiB.
   */
  readonly readCacheBytesMax?: number | undefined
  readonly defaultKeySerde: Serde<unknown> | undefined
  readonly defaultValueSerde: Serde<unknown> | undefined
  /** The record being processed, for timestamps and for what a cache must remember. */
  recordContext(): RecordContext
  /**
   * Calls `action` as if that record were being processed: how a cache forwards later. The argument saves a
   * closure for each change.
   */
  withRecordContext<A>(context: RecordContext, action: (argument: A) => void, argument: A): void
  streamTimeMs(): number
  /** Asks for a commit soon: buffered state has outgrown its bound. */
  requestCommit(): void
  /** Whether outputs and changes of one commit become true together (exactly-once). Default: no. */
  readonly isTransactional?: boolean
  /**
   * There if every store is to keep the order of its keys, for whoever reads from outside between two records
   * (the test driver): whether stores built without ranges may be iterated now. Processors may not, here no
   * more than anywhere else.
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
   * Synchronous, and the store is usable at once over an engine that holds nothing of it (a test driver's).
   */
  open(context: StoreContext): void
  /**
   * Loads what must be in memory of what the engine holds already (an index over keys). After `open`, before
   * the first read.
   */
  load(): Promise<void>
  /**
   * Applies changelog records, in order, past any cache; they leave by `stage` and are not logged again.
   * Their bytes are to stay as they are until `staged`: reads find them there meanwhile.
   */
  restore(records: readonly ChangelogRecord[]): void
  /**
   * What the engine holds, as records for a changelog that has to be filled anew; those that keep no time get
   * `nowMs`. After `load`, before anything is put; each record is valid until the next one. Without the
   * method the rows do not tell the records.
   */
  content?(nowMs: number): AsyncIterable<ChangelogRecord>
  flush(): void
  prepareCommit(): void
  /**
   * At-least-once only, between `prepareCommit` and `stage`: everything sent so far is safe, and changes may
   * still be sent to the changelog.
   */
  outputsFlushed?(): void
  stage(batch: WriteBatch): void
  staged(): void
  /** Estimate of what is not in the engine yet. */
  readonly uncommittedBytes: number
  /** Forgets everything in memory; the engine is not touched. */
  close(): void
}

/**
 * Stores with a layout of their own: changing one for the other under a name is an error. For messages, too.
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
  | typeof CUSTOM_KIND

/** Kind of a builder that tells none. */
export const CUSTOM_KIND = 'store of a kind of its own'

/** Builds one store for each task. */
export interface StoreBuilder<S extends StateStore = StateStore> {
  readonly name: string
  /** Noted on disk beside the content, and compared at the next start. */
  readonly kind?: StoreKind
  /** On the task's disk, or in memory (and then restored from the changelog at every start). */
  readonly persistent: boolean
  /**
   * Undefined: no changelog; the content is lost with the disk, and wiped after an unclean close under
   * exactly-once.
   */
  readonly changelog: ChangelogOptions | undefined
  readonly caching: boolean
  /**
   * Whether its values carry timestamps (tables and aggregates): readers from outside get them on request
   * only.
   */
  readonly timestamped?: boolean
  /**
   * Whether its entries are inputs still to be processed, whose offsets are committed: such an application is
   * not idle.
   */
  readonly holdsInputs?: boolean
  /**
   * Whether its keys are, as far as the key goes, those of the records that its task reads: a key then tells
   * its partition. Default: not known.
   */
  readonly keyedByRecord?: boolean
  /** How its changelog's bytes are read; undefined: the application's defaults. */
  readonly keySerde?: Serde<unknown> | undefined
  readonly valueSerde?: Serde<unknown> | undefined
  /** Size of the windows, in a store of windows. */
  readonly windowSizeMs?: number
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
