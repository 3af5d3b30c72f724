import { StreamsError } from '../common/errors/errors.ts'
import type { ReadOnlyKeyValueStore } from '../store/contract/key-value-store.ts'

type View<K, V> = ReadOnlyKeyValueStore<K, V>

/**
 * Asked about a key that was not found: throws `KEY_NOT_HERE` where it is another task's, so that it is not
 * taken for missing.
 */
export type OnMissing<K> = (key: K) => void

/**
 * One store over all its tasks of this instance. The tasks are looked up with every call, so that a view
 * stays good over rebalances; a range takes one task after the other, each in key order.
 */
export class CompositeStore<K, V> implements ReadOnlyKeyValueStore<K, V> {
  readonly #name: string
  readonly #parts: () => readonly View<K, V>[]
  readonly #onMissing: OnMissing<K>

  constructor(name: string, parts: () => readonly View<K, V>[], onMissing: OnMissing<K>) {
    this.#name = name
    this.#parts = parts
    this.#onMissing = onMissing
  }

  get(key: K): V | undefined {
    for (const part of this.#partsOrThrow()) {
      const value = part.get(key)
      if (value !== undefined) return value
    }
    this.#onMissing(key)
    return undefined
  }

  range(from: K | undefined, to: K | undefined): AsyncIterable<readonly [K, V]> {
    return this.#each(part => part.range(from, to))
  }

  reverseRange(from: K | undefined, to: K | undefined): AsyncIterable<readonly [K, V]> {
    return this.#each(part => part.reverseRange(from, to))
  }

  all(): AsyncIterable<readonly [K, V]> {
    return this.#each(part => part.all())
  }

  reverseAll(): AsyncIterable<readonly [K, V]> {
    return this.#each(part => part.reverseAll())
  }

  prefixScan(prefix: K): AsyncIterable<readonly [K, V]> {
    return this.#each(part => part.prefixScan(prefix))
  }

  approximateNumEntries(): number {
    return this.#partsOrThrow().reduce((sum, part) => sum + part.approximateNumEntries(), 0)
  }

  async *#each(read: (part: View<K, V>) => AsyncIterable<readonly [K, V]>): AsyncGenerator<readonly [K, V]> {
    for (const part of this.#partsOrThrow()) yield* read(part)
  }

  #partsOrThrow(): readonly View<K, V>[] {
    const parts = this.#parts()
    if (parts.length > 0) return parts
    throw storeNotAvailable(this.#name)
  }
}

export function storeNotAvailable(name: string): StreamsError {
  return new StreamsError(
    'STORE_NOT_AVAILABLE',
    `no task of this process holds store "${name}" at present: it may be restoring, or live in other processes`,
  )
}
