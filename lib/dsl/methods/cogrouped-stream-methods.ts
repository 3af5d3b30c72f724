import type {
  CogroupedKStream,
  KTable,
  SessionWindowedCogroupedKStream,
  TimeWindowedCogroupedKStream,
} from '../api/kstream.ts'
import type { Aggregator, Initializer } from '../options/functions.ts'
import {
  SessionCogroupedStreamMethods,
  WindowedCogroupedStreamMethods,
} from './windowed-cogrouped-stream-methods.ts'
import { aggregateCogroup, withGroup } from '../operators/group/cogroup.ts'
import type { TableOptions } from '../options/options.ts'
import type { CogroupedHandle, GroupedHandle } from '../kit/handles.ts'
import { HANDLE } from '../kit/handles.ts'
import type { MethodsFactory } from './methods-factory.ts'
import type { AnyWindows } from '../windows/any-windows.ts'
import type { SessionWindows } from '../windows/session-windows.ts'
import type { SlidingWindows } from '../windows/sliding-windows.ts'
import type { TimeWindows } from '../windows/time-windows.ts'
import type { UnlimitedWindows } from '../windows/unlimited-windows.ts'

/** Grouped streams on their way to one table. */
export class CogroupedStreamMethods<K, A> implements CogroupedKStream<K, A> {
  readonly #handle: CogroupedHandle
  readonly #factory: MethodsFactory

  constructor(handle: CogroupedHandle, factory: MethodsFactory) {
    this.#handle = handle
    this.#factory = factory
  }

  cogroup<V>(
    other: { readonly [HANDLE]: GroupedHandle },
    aggregator: Aggregator<K, V, A>,
  ): CogroupedKStream<K, A> {
    return new CogroupedStreamMethods<K, A>(withGroup(this.#handle, other[HANDLE], aggregator), this.#factory)
  }

  aggregate(
    initializer: Initializer<A>,
    options?: TableOptions<K, NonNullable<A>>,
  ): KTable<K, NonNullable<A>, Extract<A, null>> {
    return this.#factory.table(aggregateCogroup(this.#handle, initializer, options))
  }

  windowedBy(windows: TimeWindows | UnlimitedWindows | SlidingWindows): TimeWindowedCogroupedKStream<K, A>
  windowedBy(windows: SessionWindows): SessionWindowedCogroupedKStream<K, A>
  windowedBy(windows: AnyWindows): object {
    return windows.type === 'session'
      ? new SessionCogroupedStreamMethods(this.#handle, windows, this.#factory)
      : new WindowedCogroupedStreamMethods(this.#handle, windows, this.#factory)
  }
}
