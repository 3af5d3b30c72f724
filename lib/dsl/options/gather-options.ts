import type { Serde } from '../../serde/serde.ts'
import type { NamedOptions } from './options.ts'

/** What became of one result of a batch. */
export type ResultOutcome = 'succeeded' | 'failed'

/**
 * How the results of batches are gathered. The callbacks get the batch's id as the key. They must answer the
 * same for the same record, whenever it is processed again.
 */
export interface GatherOptions<B, V> extends NamedOptions {
  /**
   * Number of the result in its batch: a whole number from 0 to 4,294,967,295. A result that comes again has
   * the number that it had, and counts once; of several outcomes the first counts. Numbers should have few
   * gaps, since a bit is kept for each. Undefined: the record is no result.
   */
  index(value: V, batch: B): number | undefined
  /** Default: every result has succeeded. */
  outcome?(value: V, batch: B): ResultOutcome
  /**
   * How many results the batch has, where the record says so: a whole number of 0 or more. It may come with
   * the first record, with the last, or never, and be corrected: what the record of the latest timestamp says
   * holds. Below the results that have come already, the batch fails.
   */
  total(value: V, batch: B): number | undefined
  /**
   * How long a batch may take, from its first record by the wall clock. Then it has timed out, once, even if
   * nothing ran at that time.
   */
  readonly deadlineMs: number
  /**
   * How long a batch that has ended is remembered. Until then its late results are dropped and counted; a
   * later one begins a new batch of that id. Take longer than a result may be delivered again.
   */
  readonly forgetAfterMs: number
  /** The least time between two `progress` events of a batch, by the wall clock. Default: there are none. */
  readonly progressIntervalMs?: number
  /** Serde of the batches' ids. Default: that of the stream's keys, else the application's. */
  readonly keySerde?: Serde<B>
  /** Serde of the records where they are repartitioned. Default: the stream's, else the application's. */
  readonly valueSerde?: Serde<V>
  /**
   * Begins the names of the stores, `<storeName>`, `<storeName>-results` and `<storeName>-timers`, and so of
   * their changelogs, and names the repartition topic. The first can be queried for a `GatheredBatch`.
   */
  readonly storeName?: string
  /** Kind of the stores. Default `persistent`. `in-memory` is rebuilt from the changelog at every start. */
  readonly storeType?: 'persistent' | 'in-memory'
}

/** `batch`: makes a batch's id from a record; null: the record belongs to none, and is dropped (counted). */
export interface GatherByOptions<K, V, B> extends GatherOptions<NonNullable<B>, V> {
  batch(value: V, key: K): B
}

/** Exact counts of a batch, in which a result counts once. */
export interface BatchCounts {
  readonly succeeded: number
  readonly failed: number
  /** Null where no record has said it yet. */
  readonly total: number | null
  /** Results that have not come; null where the total is not known. */
  readonly missing: number | null
}

/**
 * What happens to a batch. `started` comes first, and one of `completed`, `timed-out` and `failed` last, each
 * once.
 */
export interface BatchEvent extends BatchCounts {
  /** `failed`: its total was corrected to less than the results that had come. */
  readonly type: 'started' | 'progress' | 'completed' | 'timed-out' | 'failed'
  /** The same for the same event, however often it is sent or processed: consumers drop what they know. */
  readonly eventId: string
  /** When its first record was processed, by the wall clock; milliseconds since the epoch, as all times. */
  readonly startedAtMs: number
  readonly atMs: number
  /** Why it has failed, for people. */
  readonly reason?: string
}
