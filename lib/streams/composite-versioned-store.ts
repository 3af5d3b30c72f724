import { storeNotAvailable, type OnMissing } from './composite-store.ts'
import type { ReadOnlyVersionedStore, VersionedRecord } from '../store/contract/versioned-key-value-store.ts'

type View<K, V> = ReadOnlyVersionedStore<K, V>

/**
 * One versioned store over all its tasks of this instance, which are looked up with every call. A key is in
 * one of them.
 */
export class CompositeVersionedStore<K, V> implements ReadOnlyVersionedStore<K, V> {
  readonly #name: string
  readonly #parts: () => readonly View<K, V>[]
  readonly #onMissing: OnMissing<K>

  constructor(name: string, parts: () => readonly View<K, V>[], onMissing: OnMissing<K>) {
    this.#name = name
    this.#parts = parts
    this.#onMissing = onMissing
  }

  get(key: K): VersionedRecord<V> | undefined {
    return this.#first(key, part => part.get(key))
  }

  getAsOf(key: K, timestampMs: number): VersionedRecord<V> | undefined {
    return this.#first(key, part => part.getAsOf(key, timestampMs))
  }

  #first(key: K, read: (part: View<K, V>) => VersionedRecord<V> | undefined): VersionedRecord<V> | undefined {
    const parts = this.#parts()
    if (parts.length === 0) throw storeNotAvailable(this.#name)
    for (const part of parts) {
      const found = read(part)
      if (found !== undefined) return found
    }
    this.#onMissing(key)
    return undefined
  }
}
