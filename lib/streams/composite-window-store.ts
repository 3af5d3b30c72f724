import { storeNotAvailable, type OnMissing } from './composite-store.ts'
import type { Windowed } from '../common/windowed.ts'
import type { KeyRange, ReadOnlyWindowStore, TimeRange } from '../store/contract/window-store.ts'

type View<K, S> = ReadOnlyWindowStore<K, S>

/**
 * One window store over all its tasks of this instance, as `CompositeStore`. `show` turns what is stored into
 * what is shown: a value with its timestamp, or without.
 */
export class CompositeWindowStore<K, S, V> implements ReadOnlyWindowStore<K, V> {
  readonly #name: string
  readonly #parts: () => readonly View<K, S>[]
  readonly #show: (stored: S) => V
  readonly #onMissing: OnMissing<K>

  constructor(
    name: string,
    parts: () => readonly View<K, S>[],
    { show, onMissing }: { readonly show: (stored: S) => V; readonly onMissing: OnMissing<K> },
  ) {
    this.#name = name
    this.#parts = parts
    this.#show = show
    this.#onMissing = onMissing
  }

  fetch(key: K, windowStartMs: number): V | undefined
  fetch(key: K, starts: TimeRange): AsyncIterable<readonly [number, V]>
  fetch(key: K, at: number | TimeRange): V | undefined | AsyncIterable<readonly [number, V]> {
    if (typeof at !== 'number') return this.#ofKey(key, part => part.fetch(key, at))
    for (const part of this.#partsOrThrow()) {
      const stored = part.fetch(key, at)
      if (stored !== undefined) return this.#show(stored)
    }
    this.#onMissing(key)
    return undefined
  }

  backwardFetch(key: K, starts: TimeRange): AsyncIterable<readonly [number, V]> {
    return this.#ofKey(key, part => part.backwardFetch(key, starts))
  }

  fetchRange(keys: KeyRange<K>, starts: TimeRange): AsyncIterable<readonly [Windowed<K>, V]> {
    return this.#each(part => part.fetchRange(keys, starts))
  }

  backwardFetchRange(keys: KeyRange<K>, starts: TimeRange): AsyncIterable<readonly [Windowed<K>, V]> {
    return this.#each(part => part.backwardFetchRange(keys, starts))
  }

  fetchAll(starts: TimeRange): AsyncIterable<readonly [Windowed<K>, V]> {
    return this.#each(part => part.fetchAll(starts))
  }

  backwardFetchAll(starts: TimeRange): AsyncIterable<readonly [Windowed<K>, V]> {
    return this.#each(part => part.backwardFetchAll(starts))
  }

  all(): AsyncIterable<readonly [Windowed<K>, V]> {
    return this.#each(part => part.all())
  }

  backwardAll(): AsyncIterable<readonly [Windowed<K>, V]> {
    return this.#each(part => part.backwardAll())
  }

  async *#ofKey(
    key: K,
    read: (part: View<K, S>) => AsyncIterable<readonly [number, S]>,
  ): AsyncGenerator<readonly [number, V]> {
    let isFound = false
    for await (const row of this.#each(read)) {
      isFound = true
      yield row
    }
    if (!isFound) this.#onMissing(key)
  }

  async *#each<A>(
    read: (part: View<K, S>) => AsyncIterable<readonly [A, S]>,
  ): AsyncGenerator<readonly [A, V]> {
    for (const part of this.#partsOrThrow()) {
      for await (const [at, stored] of read(part)) yield [at, this.#show(stored)]
    }
  }

  #partsOrThrow(): readonly View<K, S>[] {
    const parts = this.#parts()
    if (parts.length > 0) return parts
    throw storeNotAvailable(this.#name)
  }
}
