import type { ProcessorSupplier } from '../../processor/processor.ts'
import type { StoreBuilder } from '../../store/contract/state-store.ts'
import type { ProcessorFactory } from '../../topology/topology-options.ts'
import { supplierFrom } from '../../topology/topology-options.ts'
import { Topology } from '../../topology/topology.ts'
import type { GlobalKTable, KStream, KTable } from '../api/kstream.ts'
import { BranchedStreamMethods } from './branched-stream-methods.ts'
import { CogroupedStreamMethods } from './cogrouped-stream-methods.ts'
import { GroupedStreamMethods } from './grouped-stream-methods.ts'
import { GroupedTableMethods } from './grouped-table-methods.ts'
import { StreamMethods } from './stream-methods.ts'
import { TableMethods } from './table-methods.ts'
import { SessionStreamMethods, WindowedStreamMethods } from './windowed-stream-methods.ts'
import type { BuildOptions } from '../options/build-options.ts'
import { optimizations } from '../options/build-options.ts'
import { checkExplicitNames } from '../compile/check-names.ts'
import { compile } from '../compile/compile.ts'
import { Graph } from '../graph/graph.ts'
import { optimize } from '../compile/optimize.ts'
import type {
  ConsumedOptions,
  GlobalStoreOptions,
  GlobalTableOptions,
  TableSourceOptions,
} from '../options/options.ts'
import { globalTableSource, streamSource, tableSource } from '../operators/stream/source.ts'
import { addSchedule, addSchedules, type SchedulesOptions } from '../schedule/add-schedule.ts'
import type { Firing, ScheduleOptions } from '../schedule/schedule-options.ts'
import type { CogroupedHandle } from '../kit/handles.ts'
import { HANDLE } from '../kit/handles.ts'
import type { MethodsFactory } from './methods-factory.ts'

const factory: MethodsFactory = {
  stream: handle => new StreamMethods(handle, factory),
  // Whether deletions can come out is for the caller's types to say; the object is the same.
  table: handle => new TableMethods(handle, factory) as never,
  branches: split => new BranchedStreamMethods(split, factory),
  // The types of null values are for the caller to say, too.
  groupedStream: handle => new GroupedStreamMethods(handle, factory) as never,
  windowedStream: handle => new WindowedStreamMethods(handle, factory),
  sessionStream: handle => new SessionStreamMethods(handle, factory),
  cogroupedStream: <K, A>(handle: CogroupedHandle) => new CogroupedStreamMethods<K, A>(handle, factory),
  groupedTable: handle => new GroupedTableMethods(handle, factory),
}

/** Begins and ends a topology written in the DSL: sources first, `build()` last. */
export class StreamsBuilder {
  readonly #graph = new Graph()

  /**
   * Topics as one stream; a regular expression stands for all topics whose whole name matches, those that are
   * created later included. Asking for the same again gives a stream of the same source.
   * @example
   * ```ts
   * builder.stream('views', { keySerde: serdes.string(), valueSerde: serdes.json<View>() })
   * ```
   */
  stream<K, V>(
    topics: string | readonly string[] | RegExp,
    options: ConsumedOptions<K, V> = {},
  ): KStream<K, V> {
    return factory.stream(streamSource(this.#graph, topics, options))
  }

  /**
   * A topic as a table: the last record of a key is its row, null deletes. Records without key are dropped
   * (counted).
   * @example
   * ```ts
   * builder.table<string, number>('prices', { storeName: 'prices' }) // tea → 250, tea → null
   * ```
   */
  table<K, V>(topic: string, options: TableSourceOptions<K, V> = {}): KTable<NonNullable<K>, NonNullable<V>> {
    return factory.table(tableSource(this.#graph, topic, options))
  }

  /**
   * A topic as a table that every instance holds whole. It is read up to its end before anything else starts.
   * The topic must be compacted, unless `requireCompacted` is false.
   * @example
   * ```ts
   * const authors = builder.globalTable<string, string>('authors')
   * views.join(authors, view => view.page, (view, author) => author) // ada → "Eve"
   * ```
   */
  globalTable<K, V>(
    topic: string,
    options: GlobalTableOptions<K, V> = {},
  ): GlobalKTable<NonNullable<K>, NonNullable<V>> {
    const handle = globalTableSource<NonNullable<K>, NonNullable<V>>(this.#graph, topic, options)
    return { [HANDLE]: handle, queryableStoreName: handle.queryableStoreName }
  }

  /**
   * A source of firings: at the times of a cron pattern in a time zone, at an interval, or once. The key is
   * the id, the record's time is that of the firing. A time fires once in what is committed, through restarts
   * and crashes; `onMissed` says what becomes of times that passed meanwhile. All names come from the id.
   * @example
   * ```ts
   * builder
   *   .schedule('renewal-run', { cron: '0 6 1 * *', timeZone: 'Europe/Berlin' })
   *   .mapValues(({ fireId, nominalMs }) => ({ fireId, nominalMs }))
   *   .to('runs', { keySerde: serdes.string(), valueSerde: serdes.json() })
   * ```
   */
  schedule(id: string, options: ScheduleOptions): KStream<string, Firing> {
    return factory.stream(addSchedule(this.#graph, id, options))
  }

  /**
   * Schedules as data: a definition a key in the topic `<applicationId>-<name>`, which `streams.schedules()`
   * writes while the application runs. Each fires a record of its own into one of these sinks.
   * @example
   * ```ts
   * builder.schedules({
   *   to: { renewals: { topic: 'renewals', keySerde: serdes.string(), valueSerde: serdes.json() } },
   * })
   * ```
   */
  schedules(options: SchedulesOptions): this {
    addSchedules(this.#graph, options)
    return this
  }

  /** A store for processors that name it in `process(…, { stores })`. */
  addStateStore(builder: StoreBuilder): this {
    this.#graph.add(builder.name, { kind: 'store', builder }, this.#graph.root)
    return this
  }

  /** A store that every instance fills from a topic through the processor; every processor may read it. */
  addGlobalStore<K, V>(
    builder: StoreBuilder,
    topic: string,
    factory: ProcessorFactory<K, V>,
    options: GlobalStoreOptions<K, V> = {},
  ): this {
    return this.#addTopicStore('global-store', builder, topic, supplierFrom(factory), options)
  }

  /**
   * A store that each task fills from its partition of a topic, which is its changelog too (KIP-813): the
   * processor must put records as they are. Other processors read it, as stores that they name.
   */
  addReadOnlyStateStore<K, V>(
    builder: StoreBuilder,
    topic: string,
    factory: ProcessorFactory<K, V>,
    options: ConsumedOptions<K, V> = {},
  ): this {
    return this.#addTopicStore('read-only-store', builder, topic, supplierFrom(factory), options)
  }

  /**
   * The whole program as a topology. Throws a `TopologyError` where operators contradict each other. It may
   * be called again, with the same options.
   */
  build(options: BuildOptions = {}): Topology {
    const chosen = optimizations(options)
    optimize(this.#graph, chosen, options.enableProcessProcessValueFix ?? false)
    const definition = compile(this.#graph, chosen, options.processorWrapper)
    if (options.ensureExplicitInternalResourceNaming) checkExplicitNames(this.#graph, definition)
    return new Topology(definition)
  }

  #addTopicStore<K, V>(
    kind: 'global-store' | 'read-only-store',
    builder: StoreBuilder,
    topic: string,
    supplier: ProcessorSupplier<K, V>,
    options: GlobalStoreOptions<K, V>,
  ): this {
    const { requireCompacted: mustBeCompacted = false } = options
    const sourceName = this.#graph.name(options.name, 'KSTREAM-SOURCE-', '-source')
    const name = this.#graph.name(options.name, 'KTABLE-SOURCE-')
    const role = { kind, sourceName, topic, consumed: options, supplier, builder, mustBeCompacted } as const
    this.#graph.add(name, role, this.#graph.root)
    return this
  }
}
