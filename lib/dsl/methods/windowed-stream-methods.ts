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
import type { WindowedPart } from '../kit/handles.ts'
import type { Surface } from './methods-factory.ts'
import type { EmitStrategy } from '../windows/emit-strategy.ts'

/** The aggregations of a stream in windows of time. */
export class GraphWindowedStream<K, V> implements TimeWindowedKStream<K, V> {
  readonly #part: WindowedPart
  readonly #surface: Surface

  constructor(part: WindowedPart, surface: Surface) {
    this.#part = part
    this.#surface = surface
  }

  emitStrategy(strategy: EmitStrategy): TimeWindowedKStream<K, V> {
    return new GraphWindowedStream(withEmitStrategy(this.#part, strategy), this.#surface)
  }

  count(options?: WindowedTableOptions<K, number>): KTable<Windowed<K>, number, never> {
    return this.#surface.table(countWindows(this.#part, options))
  }

  reduce<R extends V | null>(
    reducer: Reducer<V, R>,
    options?: WindowedTableOptions<K, NonNullable<V>>,
  ): KTable<Windowed<K>, NonNullable<V>, Extract<R | V, null>> {
    return this.#surface.table(reduceWindows(this.#part, reducer, options as WindowedTableOptions<K, V>))
  }

  aggregate<A>(
    initializer: Initializer<A>,
    aggregator: Aggregator<K, V, A>,
    options?: WindowedTableOptions<K, NonNullable<A>>,
  ): KTable<Windowed<K>, NonNullable<A>, Extract<A, null>> {
    const functions = { initializer, aggregator, merger: undefined }
    return this.#surface.table(aggregateWindows(this.#part, functions, options))
  }
}

/** The aggregations of a stream in sessions. */
export class GraphSessionStream<K, V> implements SessionWindowedKStream<K, V> {
  readonly #part: WindowedPart
  readonly #surface: Surface

  constructor(part: WindowedPart, surface: Surface) {
    this.#part = part
    this.#surface = surface
  }

  emitStrategy(strategy: EmitStrategy): SessionWindowedKStream<K, V> {
    return new GraphSessionStream(withEmitStrategy(this.#part, strategy), this.#surface)
  }

  count(options?: WindowedTableOptions<K, number>): KTable<Windowed<K>, number> {
    return this.#surface.table(countWindows(this.#part, options))
  }

  reduce(
    reducer: Reducer<V, V | null>,
    options?: WindowedTableOptions<K, NonNullable<V>>,
  ): KTable<Windowed<K>, NonNullable<V>> {
    return this.#surface.table(reduceWindows(this.#part, reducer, options as WindowedTableOptions<K, V>))
  }

  aggregate<A>(
    initializer: Initializer<A>,
    aggregator: Aggregator<K, V, A>,
    merger: SessionMerger<K, A>,
    options?: WindowedTableOptions<K, NonNullable<A>>,
  ): KTable<Windowed<K>, NonNullable<A>> {
    const functions = { initializer, aggregator, merger }
    return this.#surface.table(aggregateWindows(this.#part, functions, options))
  }
}
