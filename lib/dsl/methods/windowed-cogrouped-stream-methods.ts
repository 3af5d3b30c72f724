import type { Windowed } from '../../common/windowed.ts'
import type { KTable, SessionWindowedCogroupedKStream, TimeWindowedCogroupedKStream } from '../api/kstream.ts'
import type { Initializer, SessionMerger } from '../options/functions.ts'
import { aggregateWindowedCogroup } from '../operators/group/cogroup.ts'
import type { WindowedTableOptions } from '../options/options.ts'
import type { CogroupedPart } from '../kit/handles.ts'
import type { Surface } from './methods-factory.ts'
import type { AnyWindows } from '../windows/any-windows.ts'
import type { SessionWindows } from '../windows/session-windows.ts'

/** Grouped streams on their way to one table by key and window. */
export class GraphWindowedCogroupedStream<K, A> implements TimeWindowedCogroupedKStream<K, A> {
  readonly #part: CogroupedPart
  readonly #windows: Exclude<AnyWindows, SessionWindows>
  readonly #surface: Surface

  constructor(part: CogroupedPart, windows: Exclude<AnyWindows, SessionWindows>, surface: Surface) {
    this.#part = part
    this.#windows = windows
    this.#surface = surface
  }

  aggregate(
    initializer: Initializer<A>,
    options?: WindowedTableOptions<K, NonNullable<A>>,
  ): KTable<Windowed<K>, NonNullable<A>, Extract<A, null>> {
    const part = aggregateWindowedCogroup(this.#part, this.#windows, initializer, undefined, options)
    return this.#surface.table(part)
  }
}

/** Grouped streams on their way to one table by key and session. */
export class GraphSessionCogroupedStream<K, A> implements SessionWindowedCogroupedKStream<K, A> {
  readonly #part: CogroupedPart
  readonly #windows: SessionWindows
  readonly #surface: Surface

  constructor(part: CogroupedPart, windows: SessionWindows, surface: Surface) {
    this.#part = part
    this.#windows = windows
    this.#surface = surface
  }

  aggregate(
    initializer: Initializer<A>,
    merger: SessionMerger<K, A>,
    options?: WindowedTableOptions<K, NonNullable<A>>,
  ): KTable<Windowed<K>, NonNullable<A>> {
    const part = aggregateWindowedCogroup(this.#part, this.#windows, initializer, merger, options)
    return this.#surface.table(part)
  }
}
