import { bytesToMapKey, mapKeyToBytes } from '../../common/bytes.ts'
import { NO_HEADERS } from '../../common/headers.ts'
import { BufferedKeyValueStore } from './buffered-key-value-store.ts'
import type { KeyValueStoreSettings } from './store-resources.ts'
import { isDeletion } from '../format/value-format.ts'
import type { ChangelogRecord, StoreContext } from '../contract/state-store.ts'
import { storeEntriesRange } from '../contract/store-name.ts'

/**
 * A key-value store that keeps the `entriesMax` keys used last; reading a key is using it. It never holds
 * changes back: what a cache would save is in memory already.
 *
 * Kafka Streams logs an eviction as a deletion where the store is plain, and not where values carry
 * timestamps. With coalescing both are logged here: otherwise the changelog would keep every key there ever
 * was. After an abort, keys count as used in the order of their bytes until they are used again.
 */
export class LruMap<K, V> extends BufferedKeyValueStore<K, V> {
  readonly #entriesMax: number
  readonly #timestamped: boolean
  /**
   * Serialised keys in the order of use: the first one is the one unused for longest, as a Map keeps the
   * order of insertion.
   */
  readonly #recency = new Map<string, undefined>()
  #logsEvictions = true

  constructor(settings: KeyValueStoreSettings, entriesMax: number) {
    super({ ...settings, caching: false })
    this.#entriesMax = entriesMax
    this.#timestamped = settings.timestamped
  }

  override open(context: StoreContext): void {
    super.open(context)
    this.#logsEvictions = context.changelogCoalescing || !this.#timestamped
  }

  override async load(): Promise<void> {
    await super.load()
    const { context, keys } = this.resources()
    const entries = context.engine.entries({ ...storeEntriesRange(this.name), values: false })
    for await (const [key] of entries) this.#recency.set(keys.idOfEngineKey(key), undefined)
  }

  override get(key: K): V | undefined {
    const value = super.get(key)
    if (value !== undefined) this.#use(this.#idOf(key))
    return value
  }

  override put(key: K, value: V | null): void {
    if (isDeletion(value)) {
      super.put(key, null)
      this.#recency.delete(this.#idOf(key))
      return
    }
    const isNew = !this.#recency.has(this.#idOf(key))
    // The deletion is logged before the entry that takes the place, as in Kafka Streams.
    if (isNew && this.#recency.size >= this.#entriesMax) this.#evict()
    super.put(key, value)
    this.#use(this.#idOf(key))
  }

  override restore(records: readonly ChangelogRecord[]): void {
    super.restore(records)
    // Evictions follow the order of the records, but are applied after all of them: an evicted key may come
    // again.
    const evicted = new Set<string>()
    for (const { key, value } of records) {
      if (key === null) continue
      const id = bytesToMapKey(key)
      evicted.delete(id)
      if (value === null) this.#recency.delete(id)
      else this.#use(id)
      if (this.#recency.size <= this.#entriesMax) continue
      const oldest = this.#oldest()
      this.#recency.delete(oldest)
      evicted.add(oldest)
    }
    for (const id of evicted) this.#forget(id)
  }

  override approximateNumEntries(): number {
    // The call throws `STORE_CLOSED` where the store is closed.
    this.resources()
    return this.#recency.size
  }

  override close(): void {
    this.#recency.clear()
    super.close()
  }

  #idOf(key: K): string {
    const { cache, keys } = this.resources()
    return cache.find(key)?.id ?? keys.id(key)
  }

  #use(id: string): void {
    this.#recency.delete(id)
    this.#recency.set(id, undefined)
  }

  #oldest(): string {
    return this.#recency.keys().next().value as string
  }

  #evict(): void {
    const id = this.#oldest()
    this.#recency.delete(id)
    if (this.#logsEvictions) super.put(this.keyOf(id), null)
    else this.#forget(id)
  }

  /** Removes a key from the map and the engine, past the changelog. */
  #forget(id: string): void {
    super.restore([{ key: mapKeyToBytes(id), value: null, timestamp: 0, headers: NO_HEADERS }])
  }
}
