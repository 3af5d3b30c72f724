import { shown, type FanOut } from './fan-out.ts'
import type { Windowed } from '../../common/windowed.ts'
import type { KeyRange, ReadOnlyWindowStore, TimeRange } from '../../store/contract/window-store.ts'

type View<K, S> = ReadOnlyWindowStore<K, S>

/**
 * One window store over all its tasks of this instance, like `CompositeStore`. `show` turns stored values
 * into shown ones: with their timestamps, or without.
 */
export class CompositeWindowStore<K, S, V> implements ReadOnlyWindowStore<K, V> {
  readonly #fanOut: FanOut<View<K, S>, K>
  readonly #show: (stored: S) => V

  constructor(fanOut: FanOut<View<K, S>, K>, show: (stored: S) => V) {
    this.#fanOut = fanOut
    this.#show = show
  }

  fetch(key: K, windowStartMs: number): V | undefined
  fetch(key: K, starts: TimeRange): AsyncIterable<readonly [number, V]>
  fetch(key: K, at: number | TimeRange): V | undefined | AsyncIterable<readonly [number, V]> {
    if (typeof at !== 'number') return this.#shown(this.#fanOut.ofKey(key, part => part.fetch(key, at)))
    const stored = this.#fanOut.first(key, part => part.fetch(key, at))
    return stored === undefined ? undefined : this.#show(stored)
  }

  backwardFetch(key: K, starts: TimeRange): AsyncIterable<readonly [number, V]> {
    return this.#shown(this.#fanOut.ofKey(key, part => part.backwardFetch(key, starts)))
  }

  fetchRange(keys: KeyRange<K>, starts: TimeRange): AsyncIterable<readonly [Windowed<K>, V]> {
    return this.#shown(this.#fanOut.each(part => part.fetchRange(keys, starts)))
  }

  backwardFetchRange(keys: KeyRange<K>, starts: TimeRange): AsyncIterable<readonly [Windowed<K>, V]> {
    return this.#shown(this.#fanOut.each(part => part.backwardFetchRange(keys, starts)))
  }

  fetchAll(starts: TimeRange): AsyncIterable<readonly [Windowed<K>, V]> {
    return this.#shown(this.#fanOut.each(part => part.fetchAll(starts)))
  }

  backwardFetchAll(starts: TimeRange): AsyncIterable<readonly [Windowed<K>, V]> {
    return this.#shown(this.#fanOut.each(part => part.backwardFetchAll(starts)))
  }

  all(): AsyncIterable<readonly [Windowed<K>, V]> {
    return this.#shown(this.#fanOut.each(part => part.all()))
  }

  backwardAll(): AsyncIterable<readonly [Windowed<K>, V]> {
    return this.#shown(this.#fanOut.each(part => part.backwardAll()))
  }

  #shown<A>(rows: AsyncIterable<readonly [A, S]>): AsyncIterable<readonly [A, V]> {
    return shown(rows, this.#show)
  }
}
