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
import type { GroupedPart } from '../kit/handles.ts'
import { PART } from '../kit/handles.ts'
import type { Surface } from './methods-factory.ts'
import type { AnyWindows } from '../windows/any-windows.ts'
import type { SessionWindows } from '../windows/session-windows.ts'
import type { SlidingWindows } from '../windows/sliding-windows.ts'
import type { TimeWindows } from '../windows/time-windows.ts'
import type { UnlimitedWindows } from '../windows/unlimited-windows.ts'

/** The aggregations of a stream. Each call makes a store of its own. */
export class GraphGroupedStream<K, V, N extends null = never> implements KGroupedStream<K, V, N> {
  readonly [PART]: GroupedPart
  readonly #surface: Surface

  constructor(part: GroupedPart, surface: Surface) {
    this[PART] = part
    this.#surface = surface
  }

  count(options?: TableOptions<K, number>): KTable<K, number, never> {
    return this.#surface.table(countStream(this[PART], options))
  }

  reduce<R extends V | null>(
    reducer: Reducer<V, R>,
    options?: TableOptions<K, V>,
  ): KTable<K, V, Extract<R, null>> {
    return this.#surface.table(reduceStream(this[PART], reducer, options))
  }

  aggregate<A>(
    initializer: Initializer<A>,
    aggregator: Aggregator<K, V, A>,
    options?: TableOptions<K, NonNullable<A>>,
  ): KTable<K, NonNullable<A>, Extract<A, null>> {
    return this.#surface.table(aggregateStream(this[PART], initializer, aggregator, options))
  }

  windowedBy(windows: TimeWindows | UnlimitedWindows): TimeWindowedKStream<K, V | N>
  windowedBy(windows: SlidingWindows): TimeWindowedKStream<K, V>
  windowedBy(windows: SessionWindows): SessionWindowedKStream<K, V | N>
  windowedBy(windows: AnyWindows): object {
    const part = { group: this[PART], windows, emit: 'on-window-update' } as const
    return windows.type === 'session' ? this.#surface.sessionStream(part) : this.#surface.windowedStream(part)
  }

  cogroup<A>(aggregator: Aggregator<K, V | N, A>): CogroupedKStream<K, A> {
    return this.#surface.cogroupedStream(beginCogroup(this[PART], aggregator))
  }
}
