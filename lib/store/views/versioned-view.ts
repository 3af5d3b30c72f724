import { ConfigError } from '../../common/errors/errors.ts'
import { BufferedVersionedStore } from '../versioned/buffered-versioned-store.ts'
import type { Isolation } from './read-only-view.ts'
import type { StateStore } from '../contract/state-store.ts'
import type { ReadOnlyVersionedStore, VersionedRecord } from '../contract/versioned-key-value-store.ts'

/**
 * A versioned store for readers from outside the record path. After the store's task has left, calls throw
 * `STORE_CLOSED`.
 */
export function versionedView<K, V>(
  store: StateStore,
  options: { readonly isolation: Isolation },
): ReadOnlyVersionedStore<K, V> {
  if (!(store instanceof BufferedVersionedStore)) {
    throw new ConfigError(
      'STORE_NOT_READABLE',
      `store "${store.name}" keeps no versions: read it by store("${store.name}")`,
    )
  }
  return options.isolation === 'latest' ? store : new CommittedView<K, V>(store)
}

class CommittedView<K, V> implements ReadOnlyVersionedStore<K, V> {
  readonly #store: BufferedVersionedStore<K, V>

  constructor(store: BufferedVersionedStore<K, V>) {
    this.#store = store
  }

  get(key: K): VersionedRecord<V> | undefined {
    return this.#store.committedVersion(key, undefined)
  }

  getAsOf(key: K, timestampMs: number): VersionedRecord<V> | undefined {
    return this.#store.committedVersion(key, timestampMs)
  }
}
