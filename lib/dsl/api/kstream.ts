import type { IndexedKey } from '../../serde/indexed-key.ts'
import type { Windowed } from '../../common/windowed.ts'
import type { TopicNameExtractor } from '../../processor/stream-partitioner.ts'
import type { ProcessorFactory } from '../../topology/topology-options.ts'
import type { AsyncMapper, AsyncProcessorFactory } from '../options/async-functions.ts'
import type { AsyncOptions } from '../options/async-options.ts'
import type {
  Action,
  Aggregator,
  Initializer,
  Joiner,
  Mapper,
  PairMapper,
  Predicate,
  Reducer,
  RowChange,
  SessionMerger,
  ValueTransformerFactory,
} from '../options/functions.ts'
import type { DeduplicateOptions } from '../options/deduplicate-options.ts'
import type { BatchEvent, GatherByOptions, GatherOptions } from '../options/gather-options.ts'
import type {
  BranchOptions,
  ForeignKeyJoinOptions,
  GroupedOptions,
  JoinedOptions,
  NamedOptions,
  PrintedOptions,
  ProcessOptions,
  ProducedOptions,
  RepartitionedOptions,
  ReverseIndexOptions,
  StreamJoinedOptions,
  TableOptions,
  TransformValuesOptions,
  WindowedTableOptions,
} from '../options/options.ts'
import type { GroupedHandle, StreamHandle, TableHandle, GlobalTableHandle } from '../kit/handles.ts'
import type { HANDLE } from '../kit/handles.ts'
import type { ChannelsOptions } from '../options/channels-options.ts'
import type { Suppressed } from '../options/suppressed.ts'
import type { EmitStrategy } from '../windows/emit-strategy.ts'
import type { SessionWindows } from '../windows/session-windows.ts'
import type { SlidingWindows } from '../windows/sliding-windows.ts'
import type { TimeWindows } from '../windows/time-windows.ts'
import type { UnlimitedWindows } from '../windows/unlimited-windows.ts'

// The kinds of the DSL lead to each other in a ring (stream, group, table, stream), so their types stand in
// one file: imports must not form a ring.

/**
 * A stream of records, each a fact of its own.
 *
 * `K` and `V` are what the serdes give. A record without key or value (a tombstone) reaches the callbacks as
 * `null`: where a topic holds such records, say so, `stream<string | null, Order | null>(…)`. Operators that
 * drop them (grouping, joins, `toTable`) take `null` out of the types again.
 */
export interface KStream<K, V> {
  /** Place in the graph, for other operators of the DSL, not for users. */
  readonly [HANDLE]: StreamHandle

  filter<R extends V>(predicate: (value: V, key: K) => value is R, options?: NamedOptions): KStream<K, R>
  /**
   * The records for which the predicate holds.
   * @example
   * ```ts
   * views.filter(view => view.ms > 100) // ada → {"page":"/a","ms":250}
   * ```
   */
  filter(predicate: Predicate<K, V>, options?: NamedOptions): KStream<K, V>
  filterNot(predicate: Predicate<K, V>, options?: NamedOptions): KStream<K, V>
  /**
   * New keys and values. As after every change of the key, grouping or joining the result goes through a
   * repartition topic.
   * @example
   * ```ts
   * views.map((view, user) => [view.page, user]) // /a → "ada", /b → "bob"
   * ```
   */
  map<KR, VR>(mapper: PairMapper<K, V, KR, VR>, options?: NamedOptions): KStream<KR, VR>
  /**
   * New values; keys stay, so nothing need be repartitioned.
   * @example
   * ```ts
   * views.mapValues(view => view.ms) // ada → 250, bob → 50
   * ```
   */
  mapValues<VR>(mapper: Mapper<K, V, VR>, options?: NamedOptions): KStream<K, VR>
  flatMap<KR, VR>(mapper: Mapper<K, V, Iterable<readonly [KR, VR]>>, options?: NamedOptions): KStream<KR, VR>
  /**
   * Any number of values for each record; keys stay.
   * @example
   * ```ts
   * lines.flatMapValues(line => line.split(' ')) // ada → "to", ada → "be"
   * ```
   */
  flatMapValues<VR>(mapper: Mapper<K, V, Iterable<VR>>, options?: NamedOptions): KStream<K, VR>
  selectKey<KR>(mapper: Mapper<K, V, KR>, options?: NamedOptions): KStream<KR, V>
  /** Looks at each record, which goes on unchanged. After a failure it may be seen again. */
  peek(action: Action<K, V>, options?: NamedOptions): KStream<K, V>
  /** Ends the stream. */
  forEach(action: Action<K, V>, options?: NamedOptions): void
  /**
   * Writes each record to standard output, or to a file: for looking on while developing. Ends the stream.
   */
  print(options?: PrintedOptions<K, V>): void
  /**
   * Sends each record to the first of several branches whose predicate holds.
   * @example
   * ```ts
   * const branches = clicks
   *   .split({ name: 'clicks-' })
   *   .branch(count => count > 1, { name: 'many' })
   *   .defaultBranch({ name: 'few' })
   * branches.get('clicks-many') // bob → 2, ada → 3
   * ```
   */
  split(options?: NamedOptions): BranchedKStream<K, V>
  /**
   * Both streams in one, in no particular order among each other.
   * @example
   * ```ts
   * clicks.merge(likes) // ada → 1, bob → 2, bob → 4, ada → 3
   * ```
   */
  merge<KO, VO>(other: KStream<KO, VO>, options?: NamedOptions): KStream<K | KO, V | VO>
  /**
   * Through a topic of its own, so that records lie where their keys belong. Records without key are dropped,
   * unless a left join follows.
   */
  repartition(options?: RepartitionedOptions<K, V>): KStream<K, V>
  /**
   * Records by a new key. Those whose key or value is null are not grouped.
   * @example
   * ```ts
   * views.groupBy(view => view.page).count() // /a → 1, /b → 1
   * ```
   */
  groupBy<KR>(
    selector: Mapper<K, V, KR>,
    options?: GroupedOptions<NoInfer<KR>, V>,
  ): KGroupedStream<NonNullable<KR>, NonNullable<V>, Extract<V, null>>
  /**
   * Records by their key. Those whose key or value is null are not grouped.
   * @example
   * ```ts
   * clicks.groupByKey().count() // ada → 1, bob → 1, ada → 2
   * ```
   */
  groupByKey(options?: GroupedOptions<K, V>): KGroupedStream<NonNullable<K>, NonNullable<V>, Extract<V, null>>
  /**
   * The last value of each key; null deletes, records without key are dropped (counted).
   * @example
   * ```ts
   * clicks.toTable({ storeName: 'last-clicks' }) // ada → 1, bob → 2, ada → 3
   * ```
   */
  toTable(options?: TableOptions<K, V>): KTable<NonNullable<K>, NonNullable<V>>
  /**
   * Looks each record up in the table as it is now; a record without match is left out. Both sides must be
   * co-partitioned.
   * @example
   * ```ts
   * views.join(users, (view, user) => [user.name, view.page]) // ada → ["Ada","/a"]
   * ```
   */
  join<VT, VR>(
    table: KTable<NonNullable<K>, VT, null> | KTable<NonNullable<K>, VT, never>,
    joiner: Joiner<NonNullable<K>, NonNullable<V>, VT, VR>,
    options?: JoinedOptions<K, V>,
  ): KStream<K, VR>
  /**
   * Looks up, by a key made from the record, in a table that every instance has whole.
   * @example
   * ```ts
   * views.join(titles, view => view.page, (view, title) => title) // ada → "Home"
   * ```
   */
  join<KG, VG, VR>(
    table: GlobalKTable<KG, VG>,
    selector: Mapper<K, NonNullable<V>, KG | null>,
    joiner: Joiner<K, NonNullable<V>, VG, VR>,
    options?: NamedOptions,
  ): KStream<K, VR>
  /**
   * Joins each record with those of the other stream whose key is the same and whose times are within the
   * windows. A result has the larger timestamp of its two records. Both streams must be co-partitioned.
   * Records without key or value are dropped (counted).
   * @example
   * ```ts
   * clicks.join(likes, (clicked, liked) => clicked + liked, {
   *   windows: joinWindows({ timeDifferenceMs: 1_000, graceMs: 0 }),
   * }) // bob → 6
   * ```
   */
  join<VO, VR>(
    other: KStream<NonNullable<K>, VO> | KStream<K | null, VO>,
    joiner: Joiner<NonNullable<K>, NonNullable<V>, NonNullable<VO>, VR>,
    options: StreamJoinedOptions<K, V, VO>,
  ): KStream<K, VR>
  /**
   * As `join`; a record without match, or without key, is joined with null.
   * @example
   * ```ts
   * views.leftJoin(users, (view, user) => user?.name ?? 'a guest') // ada → "Ada", bob → "a guest"
   * ```
   */
  leftJoin<VT, VR>(
    table: KTable<NonNullable<K>, VT, null> | KTable<NonNullable<K>, VT, never>,
    joiner: Joiner<K, NonNullable<V>, VT | null, VR>,
    options?: JoinedOptions<K, V>,
  ): KStream<K, VR>
  leftJoin<KG, VG, VR>(
    table: GlobalKTable<KG, VG>,
    selector: Mapper<K, NonNullable<V>, KG | null>,
    joiner: Joiner<K, NonNullable<V>, VG | null, VR>,
    options?: NamedOptions,
  ): KStream<K, VR>
  /**
   * As `join`; a record of this stream that finds no match is joined with null as soon as stream time has
   * passed its window and the grace, with its own timestamp. One without key is joined with null at once.
   */
  leftJoin<VO, VR>(
    other: KStream<NonNullable<K>, VO> | KStream<K | null, VO>,
    joiner: Joiner<K, NonNullable<V>, NonNullable<VO> | null, VR>,
    options: StreamJoinedOptions<K, V, VO>,
  ): KStream<K, VR>
  /** As `leftJoin`, for records of both streams. */
  outerJoin<VO, VR>(
    other: KStream<NonNullable<K>, VO> | KStream<K | null, VO>,
    joiner: Joiner<K, NonNullable<V> | null, NonNullable<VO> | null, VR>,
    options: StreamJoinedOptions<K, V, VO>,
  ): KStream<K, VR>
  /**
   * A processor of one's own; it may change keys.
   * @example
   * ```ts
   * class Durations implements Processor<string, View, string, number> {
   *   #context!: ProcessorContext<string, number>
   *   init = (context: ProcessorContext<string, number>) => void (this.#context = context)
   *   process = (record: Record<string, View>) => this.#context.forward(record.withValue(record.value.ms))
   * }
   * views.process(() => new Durations()) // ada → 250, bob → 50
   * ```
   */
  process<KR, VR>(factory: ProcessorFactory<K, V, KR, VR>, options?: ProcessOptions): KStream<KR, VR>
  /**
   * A processor that must leave keys as they are (forwarding another key throws), so that nothing need be
   * repartitioned after it.
   */
  processValues<VR>(factory: ProcessorFactory<K, V, K, VR>, options?: ProcessOptions): KStream<K, VR>
  /**
   * As `mapValues`, with a callback that takes its time: calls run beside each other, and their results go on
   * in the order of the inputs, with the inputs' timestamps and headers. Inputs whose calls are under way at
   * a commit are kept in a store, so that the commit does not wait; after a restart they are called again. A
   * rejected call goes to the handler of processing errors.
   *
   * The node is named `KSTREAM-MAPVALUESASYNC-…`, its store `KSTREAM-MAPVALUESASYNC-STATE-STORE-…`: Kafka
   * Streams has no such operators.
   * @example
   * ```ts
   * views.mapValuesAsync(async (view, user, { signal }) => {
   *   const response = await fetch(`https://pages.example${view.page}`, { signal })
   *   return { ...view, status: response.status }
   * })
   * ```
   */
  mapValuesAsync<VR>(mapper: AsyncMapper<K, V, VR>, options?: AsyncOptions<K, V>): KStream<K, VR>
  /** As `mapValuesAsync`, with any number of values for each input. */
  flatMapValuesAsync<VR>(
    mapper: AsyncMapper<K, V, Iterable<VR>>,
    options?: AsyncOptions<K, V>,
  ): KStream<K, VR>
  /**
   * As `mapValuesAsync`, with any number of records for each input, whose keys, timestamps and headers are
   * what the processor makes them.
   */
  processAsync<KR, VR>(
    factory: AsyncProcessorFactory<K, V, KR, VR>,
    options?: AsyncOptions<K, V>,
  ): KStream<KR, VR>
  /**
   * Lets the first record of an id pass, by the records' timestamps, and drops others of its key and id
   * within the window (counted as `deduplicate-duplicates-total`). Order and headers stay. Records without
   * key are dropped (counted).
   * @example
   * ```ts
   * clicks.deduplicate({ windowMs: 60_000 }) // ada → 1, bob → 2, ada → 3
   * ```
   */
  deduplicate(options: DeduplicateOptions<K, V>): KStream<K, V>
  /**
   * Tells when batches are complete: all their results have come, counted by their distinct indexes, so that
   * a result that comes twice counts once. Each batch has one event that it started and one that ends it, in
   * the transaction of what has ended it; its state is deleted afterwards. With `batch` the records go
   * through a repartition topic; without it their key is the batch.
   * @example
   * ```ts
   * const ends = { deadlineMs: 3_600_000, forgetAfterMs: 86_400_000 }
   * clicks
   *   .gather({ index: job => job, total: job => (job > 2 ? job - 1 : undefined), ...ends })
   *   .mapValues(({ type, succeeded, total }) => [type, succeeded, total])
   * // ada → ["started",1,null], bob → ["started",1,null], ada → ["completed",2,2]
   * ```
   */
  gather<B>(options: GatherByOptions<K, NonNullable<V>, B>): KStream<NonNullable<B>, BatchEvent>
  gather(options: GatherOptions<NonNullable<K>, NonNullable<V>>): KStream<NonNullable<K>, BatchEvent>
  /**
   * Writes the records to a topic, which must exist; a function names one for each record.
   * @example
   * ```ts
   * views.mapValues(view => view.ms).to('durations', { valueSerde: serdes.json<number>() })
   * ```
   */
  to(topic: string | TopicNameExtractor<K, V>, options?: ProducedOptions<K, V>): void
  /**
   * Numbers the events of each channel 1, 2, 3 …, exactly once, for `pushHub` of `millrace/push`, which
   * brings them to browsers. Events are JSON. Ends the stream.
   * @example
   * ```ts
   * views.toChannels({ name: 'push', terminal: view => view.page === '/end' })
   * ```
   */
  toChannels(options: ChannelsOptions<K, V>): void
}

/**
 * A split being written. Ends with `defaultBranch` or `noDefaultBranch`, which give the branches by name:
 * that of the split and that of the branch, `KSTREAM-BRANCH-00000000011` for the first one if nothing was
 * named. `B` is what the map holds besides.
 */
export interface BranchedKStream<K, V, B extends object = never> {
  branch<S extends V, R extends object | void = KStream<K, S>>(
    predicate: (value: V, key: K) => value is S,
    options?: BranchOptions<KStream<K, S>, R>,
  ): BranchedKStream<K, V, B | Exclude<R, void>>
  branch<R extends object | void = KStream<K, V>>(
    predicate: Predicate<K, V>,
    options?: BranchOptions<KStream<K, V>, R>,
  ): BranchedKStream<K, V, B | Exclude<R, void>>
  /** Records for which no predicate holds. */
  defaultBranch<R extends object | void = KStream<K, V>>(
    options?: BranchOptions<KStream<K, V>, R>,
  ): ReadonlyMap<string, B | Exclude<R, void>>
  /** Records for which no predicate holds are left out. */
  noDefaultBranch(): ReadonlyMap<string, B>
}

/**
 * The last value of each key, as a stream of changes. A deletion is a record whose value is null; callbacks
 * see values only. `D` says whether deletions can come out at all: `never` for aggregates whose functions
 * return no null.
 */
export interface KTable<K, V, D extends null = null> {
  readonly [HANDLE]: TableHandle
  /** Name by which the table's store can be queried from outside; undefined if it was not given one. */
  readonly queryableStoreName: string | undefined

  filter<R extends V>(predicate: (value: V, key: K) => value is R, options?: TableOptions<K, R>): KTable<K, R>
  filter(predicate: Predicate<K, V>, options?: TableOptions<K, V>): KTable<K, V>
  filterNot(predicate: Predicate<K, V>, options?: TableOptions<K, V>): KTable<K, V>
  /** A mapper that returns null deletes. */
  mapValues<VR>(
    mapper: Mapper<K, V, VR>,
    options?: TableOptions<K, NoInfer<NonNullable<VR>>>,
  ): KTable<K, NonNullable<VR>, D | Extract<VR, null>>
  /** As `mapValues`, with stores; called for deletions too. */
  transformValues<VR>(
    factory: ValueTransformerFactory<K, V, VR>,
    options?: TransformValuesOptions<K, NoInfer<NonNullable<VR>>>,
  ): KTable<K, NonNullable<VR>>
  /**
   * Rows whose keys are in both tables. A result has the larger timestamp of its two rows; a joiner that
   * returns null deletes. Both must be co-partitioned.
   */
  join<VO, VR>(
    other: KTable<K, VO, null> | KTable<K, VO, never>,
    joiner: Joiner<K, V, VO, VR>,
    options?: TableOptions<K, NoInfer<NonNullable<VR>>>,
  ): KTable<K, NonNullable<VR>>
  /**
   * Each row with the row of another table whose key it names (null: none). Both tables may have any number
   * of partitions: it goes through two topics of the application.
   */
  join<KO, VO, VR>(
    other: KTable<KO, VO, null> | KTable<KO, VO, never>,
    foreignKey: Mapper<K, V, NoInfer<KO> | null>,
    joiner: Joiner<K, V, VO, VR>,
    options?: ForeignKeyJoinOptions<K, KO, NoInfer<NonNullable<VR>>>,
  ): KTable<K, NonNullable<VR>>
  /** Rows of this table, joined with null where the other has none. */
  leftJoin<VO, VR>(
    other: KTable<K, VO, null> | KTable<K, VO, never>,
    joiner: Joiner<K, V, VO | null, VR>,
    options?: TableOptions<K, NoInfer<NonNullable<VR>>>,
  ): KTable<K, NonNullable<VR>>
  leftJoin<KO, VO, VR>(
    other: KTable<KO, VO, null> | KTable<KO, VO, never>,
    foreignKey: Mapper<K, V, NoInfer<KO> | null>,
    joiner: Joiner<K, V, VO | null, VR>,
    options?: ForeignKeyJoinOptions<K, KO, NoInfer<NonNullable<VR>>>,
  ): KTable<K, NonNullable<VR>>
  /** Rows of either table, joined with null where the other has none. */
  outerJoin<VO, VR>(
    other: KTable<K, VO, null> | KTable<K, VO, never>,
    joiner: Joiner<K, V | null, VO | null, VR>,
    options?: TableOptions<K, NoInfer<NonNullable<VR>>>,
  ): KTable<K, NonNullable<VR>>
  /**
   * Holds changes back, the last one a row: until its window closes, or for some time. A later operator that
   * looks rows up sees those that wait as they were before.
   * @example
   * ```ts
   * const perMinute = clicks.groupByKey().windowedBy(timeWindows({ sizeMs: 60_000, graceMs: 0 })).count()
   * perMinute.suppress(untilWindowCloses({ buffer: 'unbounded' })) // ada[0,60000] → 1, bob[0,60000] → 1
   * ```
   */
  suppress(suppressed: Suppressed<K>): KTable<K, V, D>
  /**
   * Each change as a record; deletions are records with null.
   * @example
   * ```ts
   * users.toStream() // ada → {"name":"Ada"}, eve → {"name":"Eve"}, eve → null
   * ```
   */
  toStream(options?: NamedOptions): KStream<K, V | D>
  /**
   * Each row that has changed, with what it was: a record that comes twice goes no further, nor does a
   * tombstone for nothing. As all results of a table, changes of one key between two commits may come as
   * one; `caching: false` on the table tells each.
   */
  changes(options?: NamedOptions): KStream<K, RowChange<V>>
  /**
   * A secondary index: the rows by other keys, any number for each row, read with `readIndex`. A row that
   * changes takes its former entries with it, and one entry is one row of the store, so that a million under
   * one index key never lie in one value. `keys` and `value` must give the same for the same row: entries of
   * a former row are found by calling them again. It goes through a topic of the application; rows and
   * entries change in the same transaction, or, at least once, may be torn apart by a crash.
   */
  reverseIndex<KI, VR = V>(
    keys: Mapper<K, V, Iterable<KI | null>>,
    options: ReverseIndexOptions<NoInfer<KI>, K, V, VR>,
  ): KTable<IndexedKey<KI, K>, NonNullable<VR>>
  /**
   * Rows by a new key. A row that moves is taken out of its old group, then added to the new one. Null as key
   * or value leaves the row out.
   */
  groupBy<KR, VR>(
    selector: PairMapper<K, V, KR, VR>,
    options?: GroupedOptions<NoInfer<NonNullable<KR>>, NoInfer<NonNullable<VR>>>,
  ): KGroupedTable<NonNullable<KR>, NonNullable<VR>>
}

/**
 * A table that every instance holds whole, read from all partitions of its topic. For joins by any key, and
 * for queries.
 */
export interface GlobalKTable<K, V> {
  readonly [HANDLE]: GlobalTableHandle<K, V>
  readonly queryableStoreName: string | undefined
}

/**
 * A stream by key, to be aggregated. A result has the largest timestamp of its inputs; returning null
 * deletes. Records without value are left out, but windows by time and sessions take them: `N` is `null`
 * where the stream may hold some.
 */
export interface KGroupedStream<K, V, N extends null = never> {
  readonly [HANDLE]: GroupedHandle

  /**
   * How many records each key has had.
   * @example
   * ```ts
   * clicks.groupByKey().count({ storeName: 'click-counts' }) // ada → 1, bob → 1, ada → 2
   * ```
   */
  count(options?: TableOptions<K, number>): KTable<K, number, never>
  /**
   * Combines the values of each key. The first one is taken as it is.
   * @example
   * ```ts
   * clicks.groupByKey().reduce((sum, count) => sum + count) // ada → 1, bob → 2, ada → 4
   * ```
   */
  reduce<R extends V | null>(
    reducer: Reducer<V, R>,
    options?: TableOptions<K, V>,
  ): KTable<K, V, Extract<R, null>>
  /**
   * Folds the values of each key into an aggregate, which begins as the initializer makes it.
   * @example
   * ```ts
   * views.groupByKey().aggregate(() => 0, (total, view) => total + view.ms) // ada → 250, bob → 50
   * ```
   */
  aggregate<A>(
    initializer: Initializer<A>,
    aggregator: Aggregator<K, V, A>,
    options?: TableOptions<K, NoInfer<NonNullable<A>>>,
  ): KTable<K, NonNullable<A>, Extract<A, null>>
  /**
   * An aggregate for each key and window. Late records are dropped, and counted.
   * @example
   * ```ts
   * clicks.groupByKey().windowedBy(timeWindows({ sizeMs: 60_000, graceMs: 0 })).count()
   * // ada[0,60000] → 1, bob[0,60000] → 1, ada[60000,120000] → 1
   * ```
   */
  windowedBy(windows: TimeWindows | UnlimitedWindows): TimeWindowedKStream<K, V | N>
  windowedBy(windows: SlidingWindows): TimeWindowedKStream<K, V>
  windowedBy(windows: SessionWindows): SessionWindowedKStream<K, V | N>
  /**
   * Begins a table that several grouped streams are aggregated into, each by its own aggregator:
   * `cogroup<Totals>((totals, view) => …)`.
   */
  cogroup<A>(aggregator: Aggregator<K, V | N, A>): CogroupedKStream<K, A>
}

/** A grouped stream in windows of time; keys of the tables are the keys in their windows. */
export interface TimeWindowedKStream<K, V> {
  /**
   * When results are sent; `on-window-update` unless given. Throws for unlimited windows, which never close.
   */
  emitStrategy(strategy: EmitStrategy): TimeWindowedKStream<K, V>
  count(options?: WindowedTableOptions<K, number>): KTable<Windowed<K>, number, never>
  /** The first value of a window is taken as it is. */
  reduce<R extends V | null>(
    reducer: Reducer<V, R>,
    options?: WindowedTableOptions<K, NonNullable<V>>,
  ): KTable<Windowed<K>, NonNullable<V>, Extract<R | V, null>>
  aggregate<A>(
    initializer: Initializer<A>,
    aggregator: Aggregator<K, V, A>,
    options?: WindowedTableOptions<K, NoInfer<NonNullable<A>>>,
  ): KTable<Windowed<K>, NonNullable<A>, Extract<A, null>>
}

/**
 * A grouped stream in sessions. When sessions become one, those before are deleted, so deletions come out of
 * every table of sessions.
 */
export interface SessionWindowedKStream<K, V> {
  /** When results are sent; `on-window-update` unless given. */
  emitStrategy(strategy: EmitStrategy): SessionWindowedKStream<K, V>
  count(options?: WindowedTableOptions<K, number>): KTable<Windowed<K>, number>
  /** The reducer merges sessions, too: the aggregate of the earlier one comes first. */
  reduce(
    reducer: Reducer<V, V | null>,
    options?: WindowedTableOptions<K, NonNullable<V>>,
  ): KTable<Windowed<K>, NonNullable<V>>
  aggregate<A>(
    initializer: Initializer<A>,
    aggregator: Aggregator<K, V, A>,
    merger: SessionMerger<K, NoInfer<A>>,
    options?: WindowedTableOptions<K, NoInfer<NonNullable<A>>>,
  ): KTable<Windowed<K>, NonNullable<A>>
}

/** Grouped streams of one key that are aggregated into one table. */
export interface CogroupedKStream<K, A> {
  /** A stream that is given twice is aggregated once, by the later aggregator. */
  cogroup<V, N extends null>(
    other: KGroupedStream<K, V, N>,
    aggregator: Aggregator<K, V | N, A>,
  ): CogroupedKStream<K, A>
  aggregate(
    initializer: Initializer<A>,
    options?: TableOptions<K, NonNullable<A>>,
  ): KTable<K, NonNullable<A>, Extract<A, null>>
  windowedBy(windows: TimeWindows | UnlimitedWindows | SlidingWindows): TimeWindowedCogroupedKStream<K, A>
  windowedBy(windows: SessionWindows): SessionWindowedCogroupedKStream<K, A>
}

/** The table's keys have no serde unless the options give it: the streams may differ in theirs. */
export interface TimeWindowedCogroupedKStream<K, A> {
  aggregate(
    initializer: Initializer<A>,
    options?: WindowedTableOptions<K, NonNullable<A>>,
  ): KTable<Windowed<K>, NonNullable<A>, Extract<A, null>>
}

/** Grouped streams in sessions, with a merger for sessions that become one. */
export interface SessionWindowedCogroupedKStream<K, A> {
  aggregate(
    initializer: Initializer<A>,
    merger: SessionMerger<K, A>,
    options?: WindowedTableOptions<K, NonNullable<A>>,
  ): KTable<Windowed<K>, NonNullable<A>>
}

/** A table by a new key, to be aggregated: `adder` for rows that come, `subtractor` for rows that go. */
export interface KGroupedTable<K, V> {
  count(options?: TableOptions<K, number>): KTable<K, number>
  reduce(
    functions: {
      readonly adder: Reducer<V, V | null>
      readonly subtractor: Reducer<V, V | null>
    },
    options?: TableOptions<K, V>,
  ): KTable<K, V>
  aggregate<A>(
    functions: {
      readonly initializer: Initializer<A>
      readonly adder: Aggregator<K, V, NoInfer<A>>
      readonly subtractor: Aggregator<K, V, NoInfer<A>>
    },
    options?: TableOptions<K, NoInfer<NonNullable<A>>>,
  ): KTable<K, NonNullable<A>>
}
