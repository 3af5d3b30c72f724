import type {
  CogroupedKStream,
  KGroupedStream,
  KTable,
  SessionWindowedKStream,
  TimeWindowedKStream,
} from '../api/kstream.ts'
import type { Aggregator, Initializer, Reducer } from '../options/functions.ts'
import { beginCogroup } from '../operators/group/cogroup.ts'
import { aggregateStream, countStream, reduceStream } from '../operators/group/grouped-stream.ts'
import type { TableOptions } from '../options/options.ts'
import type { GroupedHandle } from '../kit/handles.ts'
import { HANDLE } from '../kit/handles.ts'
import type { MethodsFactory } from './methods-factory.ts'
import type { AnyWindows } from '../windows/any-windows.ts'
import type { SessionWindows } from '../windows/session-windows.ts'
import type { SlidingWindows } from '../windows/sliding-windows.ts'
import type { TimeWindows } from '../windows/time-windows.ts'
import type { UnlimitedWindows } from '../windows/unlimited-windows.ts'

/** The aggregations of a stream. Each call makes a store of its own. */
export class GroupedStreamMethods<K, V, N extends null = never> implements KGroupedStream<K, V, N> {
  readonly [HANDLE]: GroupedHandle
  readonly #factory: MethodsFactory

  constructor(handle: GroupedHandle, factory: MethodsFactory) {
    this[HANDLE] = handle
    this.#factory = factory
  }

  count(options?: TableOptions<K, number>): KTable<K, number, never> {
    return this.#factory.table(countStream(this[HANDLE], options))
  }

  reduce<R extends V | null>(
    reducer: Reducer<V, R>,
    options?: TableOptions<K, V>,
  ): KTable<K, V, Extract<R, null>> {
    return this.#factory.table(reduceStream(this[HANDLE], reducer, options))
  }

  aggregate<A>(
    initializer: Initializer<A>,
    aggregator: Aggregator<K, V, A>,
    options?: TableOptions<K, NonNullable<A>>,
  ): KTable<K, NonNullable<A>, Extract<A, null>> {
    return this.#factory.table(aggregateStream(this[HANDLE], initializer, aggregator, options))
  }

  windowedBy(windows: TimeWindows | UnlimitedWindows): TimeWindowedKStream<K, V | N>
  windowedBy(windows: SlidingWindows): TimeWindowedKStream<K, V>
  windowedBy(windows: SessionWindows): SessionWindowedKStream<K, V | N>
  windowedBy(windows: AnyWindows): object {
    const handle = { group: this[HANDLE], windows, emit: 'on-window-update' } as const
    return windows.type === 'session'
      ? this.#factory.sessionStream(handle)
      : this.#factory.windowedStream(handle)
  }

  cogroup<A>(aggregator: Aggregator<K, V | N, A>): CogroupedKStream<K, A> {
    return this.#factory.cogroupedStream(beginCogroup(this[HANDLE], aggregator))
  }
}
