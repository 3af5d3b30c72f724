import type { StreamPartitioner } from '../../processor/stream-partitioner.ts'
import type { ConsumedRecord } from '../../processor/timestamp-extractor.ts'
import type { Serde } from '../../serde/serde.ts'
import type { OffsetReset } from '../../topology/plan.ts'
import type { IndexMapper, Mapper } from './functions.ts'
import type { JoinWindows } from '../windows/join-windows.ts'

export interface NamedOptions {
  /**
   * Name of the node; letters, digits, `.`, `_`, `-`. Generated if left out, with a number that later changes
   * of the program may shift.
   */
  readonly name?: string
}

export interface SerdeOptions<K, V> {
  /**
   * If left out: that of the operator above where the type cannot have changed, else the application's
   * default.
   */
  readonly keySerde?: Serde<K>
  readonly valueSerde?: Serde<V>
}

/** How a topic is read. */
export interface ConsumedOptions<K, V> extends NamedOptions, SerdeOptions<K, V> {
  /**
   * The time of a record, as a `TimestampExtractor` tells it; a tombstone has the value null, whatever the
   * serde.
   */
  timestampExtractor?(record: ConsumedRecord<NoInfer<K>, NoInfer<V>>, partitionTimeMs: number): number
  readonly offsetReset?: OffsetReset
}

/** How a topic is written. */
export interface ProducedOptions<K, V> extends NamedOptions, SerdeOptions<K, V> {
  readonly partitioner?: StreamPartitioner<K, V>
}

/**
 * `name` also names the repartition topic, if the grouping needs one: `<applicationId>-<name>-repartition`.
 */
export interface GroupedOptions<K, V> extends NamedOptions, SerdeOptions<K, V> {}

/** `name` also names the repartition topic, if the join needs one. `valueSerde` is that of the stream. */
export interface JoinedOptions<K, V> extends NamedOptions, SerdeOptions<K, V> {
  /**
   * With a versioned table: how long a record of the stream waits for rows of its time that come late
   * (KIP-923), in the stream's time; at most the table's `historyRetentionMs`. Records are then joined in the
   * order of their times. If left out: nothing waits.
   */
  readonly graceMs?: number
}

/**
 * How two streams are joined. `name` also names the repartition topics, if the join needs them:
 * `<applicationId>-<name>-left-repartition`, `…-right-…`.
 */
export interface StreamJoinedOptions<K, V, VO> extends NamedOptions {
  /** Which records belong together: `joinWindows({ … })`. */
  readonly windows: JoinWindows
  /**
   * Serdes of the stores. Those left out are the application's defaults; serdes of the streams are not
   * inherited.
   */
  readonly keySerde?: Serde<K>
  readonly valueSerde?: Serde<V>
  readonly otherValueSerde?: Serde<VO>
  /**
   * Begins the names of the stores, and so of their changelog topics:
   * `<applicationId>-<storeName>-this-join-store-changelog`.
   */
  readonly storeName?: string
  /** Kind of the stores. Default `persistent`. `in-memory` is rebuilt from the changelog at every start. */
  readonly storeType?: 'persistent' | 'in-memory'
  /** Topic settings of the changelogs, or false for none: then the content is lost with the disk. */
  readonly logging?: false | { readonly config?: { readonly [name: string]: string } }
}

/** `name` also names the repartition topic. */
export interface RepartitionedOptions<K, V> extends NamedOptions, SerdeOptions<K, V> {
  /** At least 1. If left out: as many as in Kafka Streams has. */
  readonly partitionCount?: number
  readonly partitioner?: StreamPartitioner<K, V>
}

/**
 * The store behind a table. A table without any of these keeps a store only if an operator below it needs
 * one.
 */
export interface MaterializedOptions<K, V> extends SerdeOptions<K, V> {
  /**
   * Makes the table queryable from outside, and its changelog topic `<applicationId>-<storeName>-changelog`.
   */
  readonly storeName?: string
  /**
   * Kind of the store. Default `persistent`. `in-memory` is rebuilt from the changelog at every start. `lru`
   * is in memory and keeps the `entriesMax` keys used last; a forgotten row does not exist any more, though
   * nothing is sent downstream. Its changes are not held back.
   */
  readonly storeType?: 'persistent' | 'in-memory' | 'lru'
  /** With `storeType: 'lru'`, and only there: how many keys are kept, at least 1. */
  readonly entriesMax?: number
  /**
   * Makes the table versioned (KIP-914): it keeps what its rows were, this far back of the latest timestamp.
   * A stream joined with it finds the row of the record's time; what comes out of order is put where it
   * belongs, and no longer changes joins and aggregations below; what is older than the history is dropped
   * (counted). Changes are not held back. Needs `storeName`.
   */
  readonly historyRetentionMs?: number
  /**
   * Whether processors that are connected to the store may iterate over it (`range`, `all`, `prefixScan`).
   * Default false: without it those calls throw `RANGES_DISABLED`. It keeps the keys in memory, about 35
   * bytes and the key each, and reads them all when a task starts. Reads from outside need it not. Needs
   * `storeName`, and a store without history.
   */
  readonly ranges?: boolean
  /**
   * Whether results are held back, the last one a key, until the commit or the cache is full. Default true.
   */
  readonly caching?: boolean
  /** Topic settings of the changelog, or false for none: then the content is lost with the disk. */
  readonly logging?: false | { readonly config?: { readonly [name: string]: string } }
}

export interface TableOptions<K, V> extends NamedOptions, MaterializedOptions<K, V> {}

/** A table by key and window; `keySerde` is that of the key alone. Its store can always be read in ranges. */
export interface WindowedTableOptions<K, V> extends Omit<
  TableOptions<K, V>,
  'storeType' | 'entriesMax' | 'historyRetentionMs' | 'ranges'
> {
  /** Kind of the store. Default `persistent`. `in-memory` is rebuilt from the changelog at every start. */
  readonly storeType?: 'persistent' | 'in-memory'
  /**
   * How far back of the latest window's start those of others may lie before they are forgotten (for
   * sessions: their ends). At least, and by default, as long as records for a window are taken: its size plus
   * the grace (sliding windows: twice the difference; sessions: the gap).
   */
  readonly retentionMs?: number
}

/** A table that is read from a topic; the serdes are those of the topic and of the store. */
export interface TableSourceOptions<K, V> extends ConsumedOptions<K, V>, MaterializedOptions<K, V> {}

export interface GlobalStoreOptions<K, V> extends ConsumedOptions<K, V> {
  /**
   * Whether a topic without `compact` in its `cleanup.policy` is refused. Default false: the processor may
   * want to forget what the topic forgets.
   */
  readonly requireCompacted?: boolean
}

export interface GlobalTableOptions<K, V> extends TableSourceOptions<K, V> {
  /**
   * Whether a topic without `compact` in its `cleanup.policy` is refused (`TOPIC_NOT_COMPACTED`): such a
   * topic forgets rows that have not changed for its retention time. Default true.
   */
  readonly requireCompacted?: boolean
}

export interface ProcessOptions extends NamedOptions {
  /** Names of stores that the processor uses, added with `addStateStore`. */
  readonly stores?: readonly string[]
}

export interface TransformValuesOptions<K, V> extends TableOptions<K, V> {
  /** Names of stores that the transformer uses, added with `addStateStore`. */
  readonly stores?: readonly string[]
}

export interface ForeignKeyJoinOptions<K, KO, V> extends TableOptions<K, V> {
  /**
   * Partitions the answers by primary key; by default they go where the row is. Needed where the left topic
   * is not partitioned by key alone.
   */
  readonly partitioner?: StreamPartitioner<K, null>
  /** Partitions the subscriptions by foreign key: as the right table's topic is partitioned. */
  readonly otherPartitioner?: StreamPartitioner<KO, null>
}

/**
 * The store of a secondary index. `name` also names its repartition topic; without one the store does:
 * `<applicationId>-<storeName>-repartition`.
 */
export interface ReverseIndexOptions<KI, K, V, VR>
  extends
    NamedOptions,
    Pick<MaterializedOptions<unknown, VR>, 'valueSerde' | 'ranges' | 'caching' | 'logging'> {
  /**
   * Names the store of the entries; how many each index key has stands in another, `<storeName>-counts`.
   */
  readonly storeName: string
  /** Default: the application's serde of keys. */
  readonly indexKeySerde?: Serde<KI>
  /**
   * What the index holds of a row under that index key. Default: the row itself, with its serde. Null keeps
   * the row out from under the key.
   */
  readonly value?: IndexMapper<KI, K, V, VR | null>
  /** Kind of the stores. Default `persistent`. `in-memory` is rebuilt from the changelog at every start. */
  readonly storeType?: 'persistent' | 'in-memory'
  /** Of the repartition topic, at least 1. If left out: as many as the table's input has. */
  readonly partitionCount?: number
}

export interface BranchOptions<S, R> {
  /** The branch's name, after that of the split; its number if left out. */
  readonly name?: string
  /**
   * Builds on the branch. Its result stands in the map of branches; without a result the branch is left out
   * of it.
   */
  readonly chain?: (branch: S) => R
}

export interface PrintedOptions<K, V> extends NamedOptions {
  /** Stands in brackets before each line. Default: the name of the node above. */
  readonly label?: string
  /** Formats a record. Default: the key, a comma, the value; objects as JSON. */
  readonly format?: Mapper<K, V, string>
  /** Lines are added to this file instead of standard output. */
  readonly filePath?: string
}
