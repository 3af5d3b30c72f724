import type { Windowed } from '../../common/windowed.ts'
import type { KTable, SessionWindowedCogroupedKStream, TimeWindowedCogroupedKStream } from '../api/kstream.ts'
import type { Initializer, SessionMerger } from '../options/functions.ts'
import { aggregateWindowedCogroup } from '../operators/group/cogroup.ts'
import type { WindowedTableOptions } from '../options/options.ts'
import type { CogroupedHandle } from '../kit/handles.ts'
import type { MethodsFactory } from './methods-factory.ts'
import type { AnyWindows } from '../windows/any-windows.ts'
import type { SessionWindows } from '../windows/session-windows.ts'

/** Grouped streams on their way to one table by key and window. */
export class WindowedCogroupedStreamMethods<K, A> implements TimeWindowedCogroupedKStream<K, A> {
  readonly #handle: CogroupedHandle
  readonly #windows: Exclude<AnyWindows, SessionWindows>
  readonly #factory: MethodsFactory

  constructor(
    handle: CogroupedHandle,
    windows: Exclude<AnyWindows, SessionWindows>,
    factory: MethodsFactory,
  ) {
    this.#handle = handle
    this.#windows = windows
    this.#factory = factory
  }

  aggregate(
    initializer: Initializer<A>,
    options?: WindowedTableOptions<K, NonNullable<A>>,
  ): KTable<Windowed<K>, NonNullable<A>, Extract<A, null>> {
    const handle = aggregateWindowedCogroup(this.#handle, this.#windows, initializer, undefined, options)
    return this.#factory.table(handle)
  }
}

/** Grouped streams on their way to one table by key and session. */
export class SessionCogroupedStreamMethods<K, A> implements SessionWindowedCogroupedKStream<K, A> {
  readonly #handle: CogroupedHandle
  readonly #windows: SessionWindows
  readonly #factory: MethodsFactory

  constructor(handle: CogroupedHandle, windows: SessionWindows, factory: MethodsFactory) {
    this.#handle = handle
    this.#windows = windows
    this.#factory = factory
  }

  aggregate(
    initializer: Initializer<A>,
    merger: SessionMerger<K, A>,
    options?: WindowedTableOptions<K, NonNullable<A>>,
  ): KTable<Windowed<K>, NonNullable<A>> {
    const handle = aggregateWindowedCogroup(this.#handle, this.#windows, initializer, merger, options)
    return this.#factory.table(handle)
  }
}
