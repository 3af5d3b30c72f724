import type { KGroupedStream, KTable } from './dsl.ts'
import type { Aggregator, Initializer, Reducer } from './functions.ts'
import { aggregateStream, countStream, reduceStream } from './operators/grouped-stream.ts'
import type { TableOptions } from './options.ts'
import type { GroupedPart } from './part.ts'
import type { Surface } from './surface.ts'

/** The aggregations of a stream. Each call makes a store of its own. */
export class GraphGroupedStream<K, V> implements KGroupedStream<K, V> {
  readonly #part: GroupedPart
  readonly #surface: Surface

  constructor(part: GroupedPart, surface: Surface) {
    this.#part = part
    this.#surface = surface
  }

  count(options?: TableOptions<K, number>): KTable<K, number, never> {
    return this.#surface.table(countStream(this.#part, options))
  }

  reduce<R extends V | null>(
    reducer: Reducer<V, R>,
    options?: TableOptions<K, V>,
  ): KTable<K, V, Extract<R, null>> {
    return this.#surface.table(reduceStream(this.#part, reducer, options))
  }

  aggregate<A>(
    initializer: Initializer<A>,
    aggregator: Aggregator<K, V, A>,
    options?: TableOptions<K, NonNullable<A>>,
  ): KTable<K, NonNullable<A>, Extract<A, null>> {
    return this.#surface.table(aggregateStream(this.#part, initializer, aggregator, options))
  }
}
