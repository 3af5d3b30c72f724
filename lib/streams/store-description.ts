import type { TopicPartitionOffset } from '../broker/broker.ts'
import type { Serde } from '../serde/serde.ts'
import type { StoreKind } from '../store/contract/state-store.ts'

/** A store's present description, from the topology and from this process. */
export interface StoreDescription {
  readonly name: string
  readonly kind: StoreKind
  /** Whether every process has all of the store. */
  readonly isGlobal: boolean
  /**
   * Whether the store's values carry timestamps: then `timestampedStore` or `timestampedWindowStore` show
   * them.
   */
  readonly isTimestamped: boolean
  /**
   * Serde of the keys, the store's own or the application's default; undefined where there is none. In a
   * store of windows or sessions: of the key without its window.
   */
  readonly keySerde: Serde<unknown> | undefined
  readonly valueSerde: Serde<unknown> | undefined
  /**
   * Parts that the store has in all processes together: one a task. Undefined for a global store, and while
   * the application has not joined its group.
   */
  readonly partitionCount: number | undefined
  /**
   * Partitions whose tasks run here, ascending. None for a global store, and for one that no task here has.
   */
  readonly partitions: readonly number[]
  /** Partitions of this process whose tasks do not run yet: they are being restored. */
  readonly restoringPartitions: readonly number[]
  /**
   * How many offsets the store is behind: of the input partitions of its tasks here (of a global store: of
   * its topic) the ends that the last fetch told, less the offsets up to which the store's content goes as
   * `committed` reads show it, added up. Markers of transactions count, so it is an upper bound of the
   * records; what was written since the last fetch does not. Undefined while one of these is not known, and
   * where no task here has the store.
   */
  readonly lag: number | undefined
  /**
   * Topics that lead to the store, step by step, outermost first; the last are those that its tasks read, or
   * its global copy. Topics that sinks choose record by record are not seen.
   */
  readonly inputs: readonly (readonly string[])[]
  /**
   * For each partition of the last of these topics that this process reads for the store: the offset up to
   * which `committed` reads show what its records have led to.
   */
  readonly positions: readonly TopicPartitionOffset[]
  /** Size of the windows, in a store of windows that is open here. */
  readonly windowSizeMs: number | undefined
}

/** The part of a store that has a key. */
export interface KeyOwner {
  /** Number of the part, and of its task; undefined for a global store, and where the key does not tell. */
  readonly partition: number | undefined
  /**
   * Whether a running task of this process has that part; undefined where neither the key tells nor every
   * part is here.
   */
  readonly isLocal: boolean | undefined
}
