import type { FanOut } from './fan-out.ts'
import type {
  ReadOnlyVersionedStore,
  VersionedRecord,
} from '../../store/contract/versioned-key-value-store.ts'

type View<K, V> = ReadOnlyVersionedStore<K, V>

/** One versioned store over all its tasks of this instance. A key is in one of them. */
export class CompositeVersionedStore<K, V> implements ReadOnlyVersionedStore<K, V> {
  readonly #fanOut: FanOut<View<K, V>, K>

  constructor(fanOut: FanOut<View<K, V>, K>) {
    this.#fanOut = fanOut
  }

  get(key: K): VersionedRecord<V> | undefined {
    return this.#fanOut.first(key, part => part.get(key))
  }

  getAsOf(key: K, timestampMs: number): VersionedRecord<V> | undefined {
    return this.#fanOut.first(key, part => part.getAsOf(key, timestampMs))
  }
}
