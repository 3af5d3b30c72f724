import { bytesToMapKey } from '../../common/bytes.ts'
import type { Serde } from '../../serde/serde.ts'
import type { ChangelogRecord, StoreContext } from '../contract/state-store.ts'
import { serdeOrThrow } from '../contract/store-error.ts'
import { storeMetadataKey, storePrefix } from '../contract/store-name.ts'
import { formatOf, type KeepHeaders } from '../format/format-of.ts'
import { KeyCodec } from '../format/key-codec.ts'
import type { ValueFormat } from '../format/value-format.ts'
import { EntryCount } from '../memory/entry-count.ts'
import { EntryStore } from '../memory/entry-store.ts'
import type { KeyEntry } from '../memory/entry.ts'
import { KeyIndex } from '../memory/key-index.ts'
import { openCache } from '../memory/open-cache.ts'
import { RestoredWrites } from '../memory/restored-writes.ts'
import { TypedCache } from '../memory/typed-cache.ts'
import { KeyPlaces } from './key-places.ts'

/** Settings of a key-value store. Undefined serdes are the application's. */
export interface KeyValueStoreSettings {
  readonly name: string
  readonly timestamped: boolean
  /** Whether the values of a timestamped store keep headers; undefined: no. */
  readonly keepHeaders?: KeepHeaders | undefined
  readonly keySerde: Serde<unknown> | undefined
  readonly valueSerde: Serde<unknown> | undefined
  /** Whether keys can be iterated in order. */
  readonly ranges: boolean
  readonly caching: boolean
}

/** The layers of one open store. `V` is what user code sees: the value, or the pair with its timestamp. */
export interface StoreResources<K, V> {
  readonly context: StoreContext
  readonly keys: KeyCodec<K>
  readonly values: ValueFormat<V>
  readonly cache: TypedCache
  readonly restored: RestoredWrites
  readonly places: KeyPlaces<K>
  readonly entries: EntryStore<KeyEntry, V, K>
  /** Index of the keys; undefined without ranges, where `count` counts them. */
  readonly index: KeyIndex | undefined
  readonly count: EntryCount
}

export function openResources<K, V>(
  settings: KeyValueStoreSettings,
  context: StoreContext,
): StoreResources<K, V> {
  const { name, caching } = settings
  const { engine } = context
  const keySerde = serdeOrThrow(name, 'key', settings.keySerde, context.defaultKeySerde) as Serde<K>
  const valueSerde = serdeOrThrow(name, 'value', settings.valueSerde, context.defaultValueSerde)
  const serdeContext = { topic: context.changelogTopic }
  const cache = openCache(name, context, (bytesMax, evictions) => new TypedCache(bytesMax, evictions))
  const count = new EntryCount(storeMetadataKey(name), engine)
  const keys = new KeyCodec(keySerde, serdeContext, storePrefix(name))
  const values = formatOf<V>(settings, valueSerde, serdeContext, context)
  const rowOf = (record: ChangelogRecord) => {
    const { value, timestamp } = record
    const id = bytesToMapKey(record.key!)
    return { id, value: value && values.fromChangelog(value, timestamp, record) }
  }
  const restored = new RestoredWrites(rowOf)
  const index = settings.ranges || context.allowsRanges ? new KeyIndex() : undefined
  const places = new KeyPlaces({ engine, keys, cache, restored, index, count })
  const entries = new EntryStore({ name, context, values, cache, restored, places, caching })
  return { context, keys, values, cache, restored, places, entries, index, count }
}
