import type {
  CogroupedKStream,
  KTable,
  SessionWindowedCogroupedKStream,
  TimeWindowedCogroupedKStream,
} from '../api/kstream.ts'
import type { Aggregator, Initializer } from '../options/functions.ts'
import {
  GraphSessionCogroupedStream,
  GraphWindowedCogroupedStream,
} from './windowed-cogrouped-stream-methods.ts'
import { aggregateCogroup, withGroup } from '../operators/group/cogroup.ts'
import type { TableOptions } from '../options/options.ts'
import type { CogroupedPart, GroupedPart } from '../kit/handles.ts'
import { PART } from '../kit/handles.ts'
import type { Surface } from './methods-factory.ts'
import type { AnyWindows } from '../windows/any-windows.ts'
import type { SessionWindows } from '../windows/session-windows.ts'
import type { SlidingWindows } from '../windows/sliding-windows.ts'
import type { TimeWindows } from '../windows/time-windows.ts'
import type { UnlimitedWindows } from '../windows/unlimited-windows.ts'

/** Grouped streams on their way to one table. */
export class GraphCogroupedStream<K, A> implements CogroupedKStream<K, A> {
  readonly #part: CogroupedPart
  readonly #surface: Surface

  constructor(part: CogroupedPart, surface: Surface) {
    this.#part = part
    this.#surface = surface
  }

  cogroup<V>(
    other: { readonly [PART]: GroupedPart },
    aggregator: Aggregator<K, V, A>,
  ): CogroupedKStream<K, A> {
    return new GraphCogroupedStream<K, A>(withGroup(this.#part, other[PART], aggregator), this.#surface)
  }

  aggregate(
    initializer: Initializer<A>,
    options?: TableOptions<K, NonNullable<A>>,
  ): KTable<K, NonNullable<A>, Extract<A, null>> {
    return this.#surface.table(aggregateCogroup(this.#part, initializer, options))
  }

  windowedBy(windows: TimeWindows | UnlimitedWindows | SlidingWindows): TimeWindowedCogroupedKStream<K, A>
  windowedBy(windows: SessionWindows): SessionWindowedCogroupedKStream<K, A>
  windowedBy(windows: AnyWindows): object {
    return windows.type === 'session'
      ? new GraphSessionCogroupedStream(this.#part, windows, this.#surface)
      : new GraphWindowedCogroupedStream(this.#part, windows, this.#surface)
  }
}
