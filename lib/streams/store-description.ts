import type { Serde } from '../serde/serde.ts'
import type { StoreKind } from '../store/contract/state-store.ts'

/** What is known of a store now: as the topology has it, and as this process does. */
export interface StoreDescription {
  readonly name: string
  readonly kind: StoreKind
  /** All of it is in every process. */
  readonly isGlobal: boolean
  /** Whether its values carry timestamps: then `timestampedStore` or `timestampedWindowStore` show them. */
  readonly isTimestamped: boolean
  /**
   * The store's own, or the application's default; undefined where there is none. Of a store of windows or
   * sessions: of the key without its window.
   */
  readonly keySerde: Serde<unknown> | undefined
  readonly valueSerde: Serde<unknown> | undefined
  /**
   * Parts that the store has in all processes together: one a task. Undefined for a global store, and while
   * the application has not joined its group.
   */
  readonly partitionCount: number | undefined
  /**
   * Partitions whose tasks run here, ascending. Of a global store, and of one that no task here has: none.
   */
  readonly partitions: readonly number[]
  /** Partitions whose tasks are this process's, and not running yet: they are being restored. */
  readonly restoringPartitions: readonly number[]
  /**
   * How many offsets the store is behind: of the input partitions of its tasks here (of a global store: of
   * its topic) the ends that the last fetch told, less the offsets up to which the store's content goes as
   * `committed` reads show it, added up. Markers of transactions count, so it is an upper bound of the
   * records; what was written since the last fetch does not. Undefined while one of these is not known, and
   * where no task here has the store.
   */
  readonly lag: number | undefined
  /** Size of the windows, in a store of windows that is open here. */
  readonly windowSizeMs: number | undefined
}

/** Which part of a store has a key. */
export interface KeyOwner {
  /**
   * The number of the part, and of its task; undefined for a global store, and where the key does not tell.
   */
  readonly partition: number | undefined
  /**
   * Whether a running task of this process has that part; undefined where neither the key tells nor every
   * part is here.
   */
  readonly isLocal: boolean | undefined
}
