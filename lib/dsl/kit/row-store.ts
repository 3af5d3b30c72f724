import type { ProcessorContext } from '../../processor/processor-context.ts'
import type {
  CachedStore,
  FlushListener,
  TimestampedKeyValueStore,
  ValueAndTimestamp,
} from '../../store/contract/key-value-store.ts'
import type { StateStore } from '../../store/contract/state-store.ts'
import type {
  VersionedKeyValueStore,
  VersionedRecord,
} from '../../store/contract/versioned-key-value-store.ts'

/**
 * The result of putting a row: it is the latest of its key now, stands behind a later one (versioned tables),
 * or came too late for the history.
 */
export type RowPut = 'latest' | 'out-of-order' | 'not-put'

/**
 * The store of a table, as operators see it, whether it keeps versions (KIP-914) or only the last row of each
 * key.
 */
export interface RowStore<K, V> extends CachedStore<K, ValueAndTimestamp<V>> {
  get(key: K): ValueAndTimestamp<V> | undefined
  /** The row of that time; without versions, the row as it is now. */
  getAsOf(key: K, timestampMs: number): ValueAndTimestamp<V> | undefined
  put(key: K, value: V | null, timestamp: number): RowPut
}

export function rowStore<K, V>(
  context: Pick<ProcessorContext, 'getStateStore'>,
  storeName: string,
): RowStore<K, V> {
  const store = context.getStateStore(storeName)
  return isVersioned<K, V>(store)
    ? new VersionedRowStore(store)
    : new LastRowStore(store as TimestampedKeyValueStore<K, V>)
}

function isVersioned<K, V>(store: StateStore): store is VersionedKeyValueStore<K, V> {
  return 'getAsOf' in store
}

class LastRowStore<K, V> implements RowStore<K, V> {
  readonly #store: TimestampedKeyValueStore<K, V>

  constructor(store: TimestampedKeyValueStore<K, V>) {
    this.#store = store
  }

  get(key: K): ValueAndTimestamp<V> | undefined {
    return this.#store.get(key)
  }

  getAsOf(key: K): ValueAndTimestamp<V> | undefined {
    return this.#store.get(key)
  }

  put(key: K, value: V | null, timestamp: number): RowPut {
    this.#store.put(key, value === null ? null : { value, timestamp })
    return 'latest'
  }

  setFlushListener(
    listener: FlushListener<K, ValueAndTimestamp<V>>,
    options: { readonly sendOldValues: boolean },
  ): boolean {
    return this.#store.setFlushListener(listener, options)
  }
}

/**
 * A table's versioned store. It never holds changes back: a cache would keep the last of several versions
 * only.
 */
class VersionedRowStore<K, V> implements RowStore<K, V> {
  readonly #store: VersionedKeyValueStore<K, V>

  constructor(store: VersionedKeyValueStore<K, V>) {
    this.#store = store
  }

  get(key: K): VersionedRecord<V> | undefined {
    return this.#store.get(key)
  }

  getAsOf(key: K, timestampMs: number): VersionedRecord<V> | undefined {
    return this.#store.getAsOf(key, timestampMs)
  }

  put(key: K, value: V | null, timestamp: number): RowPut {
    const result = this.#store.put(key, value, timestamp)
    if (!result.put) return 'not-put'
    return result.validToMs === undefined ? 'latest' : 'out-of-order'
  }

  setFlushListener(): boolean {
    return false
  }
}
