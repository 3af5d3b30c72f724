import type { Windowed } from '../../common/windowed.ts'
import type { KTable, SessionWindowedKStream, TimeWindowedKStream } from '../api/kstream.ts'
import type { Aggregator, Initializer, Reducer, SessionMerger } from '../options/functions.ts'
import {
  aggregateWindows,
  countWindows,
  reduceWindows,
  withEmitStrategy,
} from '../operators/group/windowed-stream.ts'
import type { WindowedTableOptions } from '../options/options.ts'
import type { WindowedHandle } from '../kit/handles.ts'
import type { MethodsFactory } from './methods-factory.ts'
import type { EmitStrategy } from '../windows/emit-strategy.ts'

/** The aggregations of a stream in windows of time. */
export class WindowedStreamMethods<K, V> implements TimeWindowedKStream<K, V> {
  readonly #handle: WindowedHandle
  readonly #factory: MethodsFactory

  constructor(handle: WindowedHandle, factory: MethodsFactory) {
    this.#handle = handle
    this.#factory = factory
  }

  emitStrategy(strategy: EmitStrategy): TimeWindowedKStream<K, V> {
    return new WindowedStreamMethods(withEmitStrategy(this.#handle, strategy), this.#factory)
  }

  count(options?: WindowedTableOptions<K, number>): KTable<Windowed<K>, number, never> {
    return this.#factory.table(countWindows(this.#handle, options))
  }

  reduce<R extends V | null>(
    reducer: Reducer<V, R>,
    options?: WindowedTableOptions<K, NonNullable<V>>,
  ): KTable<Windowed<K>, NonNullable<V>, Extract<R | V, null>> {
    return this.#factory.table(reduceWindows(this.#handle, reducer, options as WindowedTableOptions<K, V>))
  }

  aggregate<A>(
    initializer: Initializer<A>,
    aggregator: Aggregator<K, V, A>,
    options?: WindowedTableOptions<K, NonNullable<A>>,
  ): KTable<Windowed<K>, NonNullable<A>, Extract<A, null>> {
    const functions = { initializer, aggregator, merger: undefined }
    return this.#factory.table(aggregateWindows(this.#handle, functions, options))
  }
}

/** The aggregations of a stream in sessions. */
export class SessionStreamMethods<K, V> implements SessionWindowedKStream<K, V> {
  readonly #handle: WindowedHandle
  readonly #factory: MethodsFactory

  constructor(handle: WindowedHandle, factory: MethodsFactory) {
    this.#handle = handle
    this.#factory = factory
  }

  emitStrategy(strategy: EmitStrategy): SessionWindowedKStream<K, V> {
    return new SessionStreamMethods(withEmitStrategy(this.#handle, strategy), this.#factory)
  }

  count(options?: WindowedTableOptions<K, number>): KTable<Windowed<K>, number> {
    return this.#factory.table(countWindows(this.#handle, options))
  }

  reduce(
    reducer: Reducer<V, V | null>,
    options?: WindowedTableOptions<K, NonNullable<V>>,
  ): KTable<Windowed<K>, NonNullable<V>> {
    return this.#factory.table(reduceWindows(this.#handle, reducer, options as WindowedTableOptions<K, V>))
  }

  aggregate<A>(
    initializer: Initializer<A>,
    aggregator: Aggregator<K, V, A>,
    merger: SessionMerger<K, A>,
    options?: WindowedTableOptions<K, NonNullable<A>>,
  ): KTable<Windowed<K>, NonNullable<A>> {
    const functions = { initializer, aggregator, merger }
    return this.#factory.table(aggregateWindows(this.#handle, functions, options))
  }
}
