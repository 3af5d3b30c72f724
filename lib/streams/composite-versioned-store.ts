import { StreamsError } from '../common/errors.ts'
import type { ReadOnlyVersionedStore, VersionedRecord } from '../store/versioned-key-value-store.ts'

type View<K, V> = ReadOnlyVersionedStore<K, V>

/** One versioned store over all its tasks of this instance, which are looked up with every call. A key is in one of them. */
export class CompositeVersionedStore<K, V> implements ReadOnlyVersionedStore<K, V> {
  readonly #name: string
  readonly #parts: () => readonly View<K, V>[]

  constructor(name: string, parts: () => readonly View<K, V>[]) {
    this.#name = name
    this.#parts = parts
  }

  get(key: K): VersionedRecord<V> | undefined {
    return this.#first(part => part.get(key))
  }

  getAsOf(key: K, timestampMs: number): VersionedRecord<V> | undefined {
    return this.#first(part => part.getAsOf(key, timestampMs))
  }

  #first(read: (part: View<K, V>) => VersionedRecord<V> | undefined): VersionedRecord<V> | undefined {
    const parts = this.#parts()
    if (parts.length === 0) {
      throw new StreamsError(
        'STORE_NOT_AVAILABLE',
        `no task of this process holds store "${this.#name}" at present: it may be restoring, or live in other processes`,
      )
    }
    for (const part of parts) {
      const found = read(part)
      if (found !== undefined) return found
    }
    return undefined
  }
}
