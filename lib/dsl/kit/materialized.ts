import type { Serde } from '../../serde/serde.ts'
import type { StoreBuilder } from '../../store/contract/state-store.ts'
import { stores } from '../../store/builders/stores.ts'
import type { Graph } from '../graph/graph.ts'
import { checkName } from '../graph/node-name.ts'
import type { MaterializedOptions } from '../options/options.ts'

/** A table's store as the options and the operators above define it. */
export interface TableStore {
  readonly name: string
  /** Whether the user named the store. */
  readonly queryable: boolean
  readonly keySerde: Serde<unknown> | undefined
  readonly valueSerde: Serde<unknown> | undefined
  readonly persistent: boolean
  /** Number of keys of an LRU map; undefined for other stores. */
  readonly entriesMax: number | undefined
  /** History of a versioned store, in milliseconds; undefined for other stores. */
  readonly historyRetentionMs: number | undefined
  /** Whether processors read the store in ranges. */
  readonly ranges: boolean
  readonly caching: boolean
  readonly logging: MaterializedOptions<unknown, unknown>['logging']
}

const KEYS = [
  'keySerde',
  'valueSerde',
  'storeName',
  'storeType',
  'entriesMax',
  'historyRetentionMs',
  'retentionMs',
  'ranges',
  'caching',
  'logging',
] as const

/**
 * Whether the user gave any option of a store. Kafka Streams has overloads with `Materialized` for that, some
 * of which use up a number.
 */
export function saysMaterialized<K, V>(options: MaterializedOptions<K, V>): boolean {
  return KEYS.some(key => key in options)
}

/**
 * A table's store. Serdes of the options override the given ones. A store without name gets a generated one,
 * of `prefix`.
 */
export function tableStore<K, V>(
  graph: Graph,
  options: MaterializedOptions<K, V>,
  prefix: string,
  serdes: { readonly keySerde: Serde<unknown> | undefined; readonly valueSerde: Serde<unknown> | undefined },
): TableStore {
  const { storeName } = options
  return {
    name: storeName === undefined ? graph.newStoreName(prefix) : checkName(storeName),
    queryable: storeName !== undefined,
    keySerde: options.keySerde ?? serdes.keySerde,
    valueSerde: options.valueSerde ?? serdes.valueSerde,
    persistent: (options.storeType ?? 'persistent') === 'persistent',
    entriesMax: entriesMaxOf(options),
    historyRetentionMs: historyOf(options),
    ranges: rangesOf(options),
    caching: options.caching ?? true,
    logging: options.logging,
  }
}

function entriesMaxOf<K, V>({
  storeName,
  storeType,
  entriesMax,
}: MaterializedOptions<K, V>): number | undefined {
  if ((storeType === 'lru') === (entriesMax !== undefined)) return entriesMax
  throw new TypeError(
    `store "${storeName ?? 'without a name'}": storeType 'lru' and entriesMax go together: give both, or neither`,
  )
}

function historyOf<K, V>({
  storeName,
  storeType,
  historyRetentionMs,
}: MaterializedOptions<K, V>): number | undefined {
  if (historyRetentionMs === undefined) return undefined
  if (storeName === undefined) {
    throw new TypeError(
      `historyRetentionMs ${historyRetentionMs} asks for a store that keeps versions: give it a storeName`,
    )
  }
  if (storeType !== 'lru') return historyRetentionMs
  throw new TypeError(
    `store "${storeName}": an LRU map keeps no versions: leave out storeType 'lru', or historyRetentionMs`,
  )
}

function rangesOf<K, V>({
  storeName,
  historyRetentionMs,
  ranges = false,
}: MaterializedOptions<K, V>): boolean {
  if (!ranges) return false
  if (storeName === undefined) {
    throw new TypeError(
      'ranges: true is for processors that are connected to a store by its name: give a storeName',
    )
  }
  if (historyRetentionMs === undefined) return true
  throw new TypeError(
    `store "${storeName}": a store that keeps versions cannot be read in ranges: leave out ranges, or historyRetentionMs`,
  )
}

/** A store that is built only if something needs it: its name counts as one in use even so. */
export function mayNeedName(graph: Graph, store: TableStore): TableStore {
  if (!store.queryable) graph.unnamedStores.add(store.name)
  return store
}

/**
 * The builder of a table's store. It keeps no ordered index unless asked to: operators of the DSL read their
 * stores by key only.
 */
export function storeBuilder(store: TableStore): StoreBuilder {
  return { ...builderOf(store), keyedByRecord: true }
}

function builderOf(store: TableStore): StoreBuilder {
  const { name, keySerde, valueSerde, persistent, entriesMax, historyRetentionMs, ranges, caching, logging } =
    store
  if (historyRetentionMs !== undefined) {
    return stores.versionedKeyValueStore({
      name,
      keySerde,
      valueSerde,
      historyRetentionMs,
      persistent,
      logging,
    })
  }
  if (entriesMax !== undefined) {
    return stores.timestampedLruMap({ name, keySerde, valueSerde, entriesMax, ranges, logging })
  }
  return stores.timestampedKeyValueStore({
    name,
    keySerde,
    valueSerde,
    persistent,
    ranges,
    caching,
    logging,
    keepHeaders: 'by-setting',
  })
}
