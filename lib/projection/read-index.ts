import { countsStoreOf, type IndexedKey } from '../serde/indexed-key.ts'
import { equalKeys } from '../dsl/kit/equal-keys.ts'
import { storeNameOf, type QueryableTable } from '../dsl/api/queryable-table.ts'
import { IndexPrefix } from '../serde/indexed-key-serde.ts'
import type { ReadOnlyKeyValueStore } from '../store/contract/key-value-store.ts'
import type { KafkaStreams } from '../streams/kafka-streams.ts'
import type { StoreQueryOptions } from '../streams/store-query-options.ts'

export type ReadIndexOptions = Pick<StoreQueryOptions, 'isolation'>

export interface IndexPageOptions<K> {
  /** At most so many entries. Default: all. */
  readonly limit?: number
  /** Only entries behind this key, in the order of the keys' bytes: the last key of the page before. */
  readonly after?: K | undefined
}

/**
 * A secondary index for readers: that of `reverseIndex`, as far as this process has it, or a copy that
 * `globalTable` holds of its topic. Calls throw as those of `streams.store` do: `KEY_NOT_HERE` where another
 * process has the index key, `STORE_NOT_AVAILABLE` while it is being restored.
 */
export interface ReadOnlyIndex<KI, K, V> {
  /** The entry of a row under an index key. */
  get(indexKey: KI, key: K): V | undefined
  /** Entries of an index key, by their rows' keys in the order of the bytes. */
  entries(indexKey: KI, page?: IndexPageOptions<K>): AsyncGenerator<readonly [K, V], void, undefined>
  /** How many entries an index key has: one look-up; in a global copy, as many as there are. */
  count(indexKey: KI): Promise<number>
}

/**
 * Reads an index from outside: of the table that `reverseIndex` made, or of the store of that name.
 * @example
 * ```ts
 * const appSites = readIndex<string, string, AppSite>(streams, 'app-sites')
 * for await (const [siteId, site] of appSites.entries('blog', { limit: 20 })) console.log(siteId, site)
 * ```
 */
export function readIndex<KI, K, V>(
  streams: KafkaStreams,
  index: QueryableTable<IndexedKey<KI, K>, V> | string,
  options: ReadIndexOptions = {},
): ReadOnlyIndex<KI, K, V> {
  const name = storeNameOf(index)
  const { isGlobal } = streams.describeStore(name)
  return new StoreIndex<KI, K, V>(streams, name, isGlobal, options)
}

type Entries<KI, K, V> = ReadOnlyKeyValueStore<IndexedKey<KI, K>, V>

class StoreIndex<KI, K, V> implements ReadOnlyIndex<KI, K, V> {
  readonly #streams: KafkaStreams
  readonly #name: string
  readonly #isGlobal: boolean
  readonly #options: ReadIndexOptions
  readonly #store: Entries<KI, K, V>

  constructor(streams: KafkaStreams, name: string, isGlobal: boolean, options: ReadIndexOptions) {
    this.#streams = streams
    this.#name = name
    this.#isGlobal = isGlobal
    this.#options = options
    this.#store = streams.store(name, options)
  }

  get(indexKey: KI, key: K): V | undefined {
    return this.#store.get({ indexKey, key })
  }

  async *entries(
    indexKey: KI,
    { limit = Infinity, after }: IndexPageOptions<K> = {},
  ): AsyncGenerator<readonly [K, V], void, undefined> {
    if (!(limit >= 1)) throw new RangeError(`limit is ${limit}: it must be at least 1`)
    let left = limit
    for await (const [key, value] of this.#rows(indexKey, after)) {
      // The range of a page begins with the key it is to come after.
      if (after !== undefined && equalKeys(key, after)) continue
      yield [key, value]
      left -= 1
      if (left === 0) return
    }
  }

  async count(indexKey: KI): Promise<number> {
    if (!this.#isGlobal) {
      return this.#streams.store<KI, number>(countsStoreOf(this.#name), this.#options).get(indexKey) ?? 0
    }
    let count = 0
    for await (const entry of this.#prefixOf(this.#store, indexKey)) count += Number(entry.length > 0)
    return count
  }

  /** Entries of an index key, from `from` on, which need not be one of them. */
  async *#rows(indexKey: KI, from: K | undefined): AsyncGenerator<readonly [K, V]> {
    // Says so where another process has the index key: it must not be taken for one without entries.
    this.#store.get(new IndexPrefix(indexKey) as unknown as IndexedKey<KI, K>)
    const part = this.#partOf(indexKey)
    const rows =
      from === undefined ? this.#prefixOf(part, indexKey) : part.range({ indexKey, key: from }, undefined)
    for await (const [indexed, value] of rows) {
      // Entries of other index keys lie behind.
      if (!equalKeys(indexed.indexKey, indexKey)) return
      yield [indexed.key, value]
    }
  }

  #prefixOf(store: Entries<KI, K, V>, indexKey: KI): AsyncIterable<readonly [IndexedKey<KI, K>, V]> {
    return store.prefixScan(new IndexPrefix(indexKey) as unknown as IndexedKey<KI, K>)
  }

  /** The part of the store that has the index key: other parts would bring entries of other index keys. */
  #partOf(indexKey: KI): Entries<KI, K, V> {
    if (this.#isGlobal) return this.#store
    const { partition } = this.#streams.keyOwner(this.#name, new IndexPrefix(indexKey))
    return partition === undefined
      ? this.#store
      : this.#streams.store(this.#name, { ...this.#options, partition })
  }
}
