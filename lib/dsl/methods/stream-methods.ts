import type { TopicNameExtractor } from '../../processor/stream-partitioner.ts'
import type { ProcessorFactory } from '../../topology/topology-options.ts'
import type { AsyncMapper, AsyncProcessorFactory } from '../options/async-functions.ts'
import type { AsyncOptions } from '../options/async-options.ts'
import type { BranchedKStream, KGroupedStream, KStream, KTable } from '../api/kstream.ts'
import type { Action, Joiner, Mapper, PairMapper, Predicate } from '../options/functions.ts'
import { deduplicate } from '../operators/stream/deduplicate.ts'
import { filter } from '../operators/stream/filter.ts'
import { flatMapValues } from '../operators/stream/flat-map-values.ts'
import { flatMapValuesAsync } from '../operators/stream/flat-map-values-async.ts'
import { flatMap } from '../operators/stream/flat-map.ts'
import { groupBy, groupByKey } from '../operators/stream/group.ts'
import { mapValues } from '../operators/stream/map-values.ts'
import { mapValuesAsync } from '../operators/stream/map-values-async.ts'
import { map } from '../operators/stream/map.ts'
import { merge } from '../operators/stream/merge.ts'
import { gather } from '../operators/stream/gather.ts'
import { forEach, peek } from '../operators/stream/peek.ts'
import { print } from '../operators/stream/print.ts'
import { processAsync } from '../operators/stream/process-async.ts'
import { process, processValues } from '../operators/stream/process.ts'
import { repartition } from '../operators/stream/repartition.ts'
import { selectKey } from '../operators/stream/select-key.ts'
import { SplitHandle } from '../operators/stream/split.ts'
import type { StreamJoinKind } from '../joins/stream-join-names.ts'
import { joinStreams } from '../operators/stream/stream-stream-join.ts'
import { joinGlobalTable, joinTable } from '../operators/stream/stream-table-join.ts'
import { toTable } from '../operators/stream/to-table.ts'
import { to } from '../operators/stream/to.ts'
import type { DeduplicateOptions } from '../options/deduplicate-options.ts'
import type { BatchEvent, GatherByOptions, GatherOptions } from '../options/gather-options.ts'
import type {
  GroupedOptions,
  JoinedOptions,
  NamedOptions,
  PrintedOptions,
  ProcessOptions,
  ProducedOptions,
  RepartitionedOptions,
  StreamJoinedOptions,
  TableOptions,
} from '../options/options.ts'
import type { GlobalTableHandle, StreamHandle, TableHandle } from '../kit/handles.ts'
import type { ChannelsOptions } from '../options/channels-options.ts'
import { toChannels } from '../push/to-channels.ts'
import { HANDLE } from '../kit/handles.ts'
import type { MethodsFactory } from './methods-factory.ts'

type AnyOperand = { readonly [HANDLE]: StreamHandle | TableHandle | GlobalTableHandle }

/** A stream's methods, each of which is an operator. */
export class StreamMethods<K, V> implements KStream<K, V> {
  readonly [HANDLE]: StreamHandle
  readonly #factory: MethodsFactory

  constructor(handle: StreamHandle, factory: MethodsFactory) {
    this[HANDLE] = handle
    this.#factory = factory
  }

  filter<R extends V>(predicate: Predicate<K, V>, options?: NamedOptions): KStream<K, R> {
    return this.#factory.stream(filter(this[HANDLE], predicate, true, options))
  }

  filterNot(predicate: Predicate<K, V>, options?: NamedOptions): KStream<K, V> {
    return this.#factory.stream(filter(this[HANDLE], predicate, false, options))
  }

  map<KR, VR>(mapper: PairMapper<K, V, KR, VR>, options?: NamedOptions): KStream<KR, VR> {
    return this.#factory.stream(map(this[HANDLE], mapper, options))
  }

  mapValues<VR>(mapper: Mapper<K, V, VR>, options?: NamedOptions): KStream<K, VR> {
    return this.#factory.stream(mapValues(this[HANDLE], mapper, options))
  }

  flatMap<KR, VR>(
    mapper: Mapper<K, V, Iterable<readonly [KR, VR]>>,
    options?: NamedOptions,
  ): KStream<KR, VR> {
    return this.#factory.stream(flatMap(this[HANDLE], mapper, options))
  }

  flatMapValues<VR>(mapper: Mapper<K, V, Iterable<VR>>, options?: NamedOptions): KStream<K, VR> {
    return this.#factory.stream(flatMapValues(this[HANDLE], mapper, options))
  }

  selectKey<KR>(mapper: Mapper<K, V, KR>, options?: NamedOptions): KStream<KR, V> {
    return this.#factory.stream(selectKey(this[HANDLE], mapper, options))
  }

  peek(action: Action<K, V>, options?: NamedOptions): KStream<K, V> {
    return this.#factory.stream(peek(this[HANDLE], action, options))
  }

  forEach(action: Action<K, V>, options?: NamedOptions): void {
    forEach(this[HANDLE], action, options)
  }

  print(options?: PrintedOptions<K, V>): void {
    print(this[HANDLE], options)
  }

  split(options?: NamedOptions): BranchedKStream<K, V> {
    return this.#factory.branches(new SplitHandle(this[HANDLE], options))
  }

  merge<KO, VO>(other: KStream<KO, VO>, options?: NamedOptions): KStream<K | KO, V | VO> {
    return this.#factory.stream(merge(this[HANDLE], other[HANDLE], options))
  }

  repartition(options?: RepartitionedOptions<K, V>): KStream<K, V> {
    return this.#factory.stream(repartition(this[HANDLE], options))
  }

  groupBy<KR>(
    selector: Mapper<K, V, KR>,
    options?: GroupedOptions<KR, V>,
  ): KGroupedStream<NonNullable<KR>, NonNullable<V>, Extract<V, null>> {
    return this.#factory.groupedStream(groupBy(this[HANDLE], selector, options))
  }

  groupByKey(
    options?: GroupedOptions<K, V>,
  ): KGroupedStream<NonNullable<K>, NonNullable<V>, Extract<V, null>> {
    return this.#factory.groupedStream(groupByKey(this[HANDLE], options))
  }

  toTable(options?: TableOptions<K, V>): KTable<NonNullable<K>, NonNullable<V>> {
    return this.#factory.table(toTable(this[HANDLE], options))
  }

  join<VR>(other: AnyOperand, ...rest: readonly unknown[]): KStream<K, VR> {
    return this.#join(other, 'inner', rest)
  }

  leftJoin<VR>(other: AnyOperand, ...rest: readonly unknown[]): KStream<K, VR> {
    return this.#join(other, 'left', rest)
  }

  outerJoin<VR>(other: AnyOperand, ...rest: readonly unknown[]): KStream<K, VR> {
    return this.#join(other, 'outer', rest)
  }

  process<KR, VR>(factory: ProcessorFactory<K, V, KR, VR>, options?: ProcessOptions): KStream<KR, VR> {
    return this.#factory.stream(process(this[HANDLE], factory, options))
  }

  processValues<VR>(factory: ProcessorFactory<K, V, K, VR>, options?: ProcessOptions): KStream<K, VR> {
    return this.#factory.stream(processValues(this[HANDLE], factory, options))
  }

  mapValuesAsync<VR>(mapper: AsyncMapper<K, V, VR>, options?: AsyncOptions<K, V>): KStream<K, VR> {
    return this.#factory.stream(mapValuesAsync(this[HANDLE], mapper, options))
  }

  flatMapValuesAsync<VR>(
    mapper: AsyncMapper<K, V, Iterable<VR>>,
    options?: AsyncOptions<K, V>,
  ): KStream<K, VR> {
    return this.#factory.stream(flatMapValuesAsync(this[HANDLE], mapper, options))
  }

  processAsync<KR, VR>(
    factory: AsyncProcessorFactory<K, V, KR, VR>,
    options?: AsyncOptions<K, V>,
  ): KStream<KR, VR> {
    return this.#factory.stream(processAsync(this[HANDLE], factory, options))
  }

  deduplicate(options: DeduplicateOptions<K, V>): KStream<K, V> {
    return this.#factory.stream(deduplicate(this[HANDLE], options))
  }

  gather<B = K>(
    options: GatherOptions<NonNullable<B>, NonNullable<V>> &
      Partial<Pick<GatherByOptions<K, NonNullable<V>, B>, 'batch'>>,
  ): KStream<NonNullable<B>, BatchEvent> {
    return this.#factory.stream(gather(this[HANDLE], options))
  }

  to(topic: string | TopicNameExtractor<K, V>, options?: ProducedOptions<K, V>): void {
    to(this[HANDLE], topic, options)
  }

  toChannels(options: ChannelsOptions<K, V>): void {
    toChannels(this[HANDLE], options)
  }

  /** The other side decides what the other arguments are, as the overloads of `KStream` say. */
  #join<VR>(other: AnyOperand, kind: StreamJoinKind, rest: readonly unknown[]): KStream<K, VR> {
    const handle = other[HANDLE]
    const left = kind === 'left'
    if ('joinRepartition' in handle) {
      const [joiner, options] = rest as [Joiner<K, V, unknown, VR>, StreamJoinedOptions<K, V, unknown>]
      return this.#factory.stream(joinStreams(this[HANDLE], handle, joiner, kind, options))
    }
    if ('values' in handle) {
      const [selector, joiner, options] = rest as [
        Mapper<K, V, unknown>,
        Joiner<K, V, unknown, VR>,
        NamedOptions?,
      ]
      return this.#factory.stream(joinGlobalTable(this[HANDLE], handle, selector, joiner, left, options))
    }
    const [joiner, options] = rest as [Joiner<K, V, unknown, VR>, JoinedOptions<K, V>?]
    return this.#factory.stream(joinTable(this[HANDLE], handle, joiner, left, options))
  }
}
