import { METRIC_GROUPS } from '../../common/metrics/metrics.ts'
import { bytesToMapKey } from '../../common/bytes.ts'
import type { Serde, SerdeContext } from '../../serde/serde.ts'
import type { ChangelogRecord, StoreContext } from '../contract/state-store.ts'
import { serdeOrThrow } from '../contract/store-error.ts'
import { storeMetadataKey, storePrefix } from '../contract/store-name.ts'
import { EntryCount } from './entry-count.ts'
import { HeadersFormat } from '../format/headers-format.ts'
import { DirtyChanges } from './dirty-changes.ts'
import { KeyCodec } from '../format/key-codec.ts'
import { KeyIndex } from './key-index.ts'
import { PlainFormat } from '../format/plain-format.ts'
import { RestoredWrites } from './restored-writes.ts'
import { TimestampedFormat } from '../format/timestamped-format.ts'
import { TypedCache } from './typed-cache.ts'
import type { ValueFormat } from '../format/value-format.ts'
import { WriteBuffer } from './write-buffer.ts'

export const READ_CACHE_BYTES_MAX = 16 * 1024 * 1024

/** How a key-value store is to be. Undefined serdes are the application's. */
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
  readonly buffer: WriteBuffer
  readonly restored: RestoredWrites
  /** Undefined where changes are not held back. */
  readonly held: DirtyChanges | undefined
  /** Undefined without ranges; then `count` counts. */
  readonly index: KeyIndex | undefined
  readonly count: EntryCount
}

export function openResources<K, V>(
  settings: KeyValueStoreSettings,
  context: StoreContext,
): StoreResources<K, V> {
  const { name } = settings
  const keySerde = serdeOrThrow(name, 'key', settings.keySerde, context.defaultKeySerde) as Serde<K>
  const valueSerde = serdeOrThrow(name, 'value', settings.valueSerde, context.defaultValueSerde)
  const serdeContext = { topic: context.changelogTopic }
  const cache = openCache(name, context)
  const count = new EntryCount(storeMetadataKey(name), context.engine)
  const keys = new KeyCodec(keySerde, serdeContext, storePrefix(name))
  const values = formatOf<V>(settings, valueSerde, serdeContext, context)
  const rowOf = (record: ChangelogRecord) => {
    const { value, timestamp } = record
    const id = bytesToMapKey(record.key!)
    return { id, value: value && values.fromChangelog(value, timestamp, record) }
  }
  return {
    context,
    keys,
    values,
    cache,
    buffer: new WriteBuffer(cache),
    restored: new RestoredWrites(rowOf),
    held: settings.caching && context.cacheBytesMax > 0 ? new DirtyChanges(cache, context) : undefined,
    index: settings.ranges || context.allowsRanges ? new KeyIndex() : undefined,
    count,
  }
}

/** `by-setting`: as `dslStoreFormat` says, for tables and aggregates. */
export type KeepHeaders = boolean | 'by-setting'

export function formatOf<V>(
  settings: { readonly timestamped: boolean; readonly keepHeaders?: KeepHeaders | undefined },
  serde: Serde<unknown>,
  context: SerdeContext,
  { dslStoreFormat }: Pick<StoreContext, 'dslStoreFormat'>,
): ValueFormat<V> {
  const { timestamped, keepHeaders = false } = settings
  const keeps = keepHeaders === 'by-setting' ? dslStoreFormat === 'headers' : keepHeaders
  const WithTimes = keeps ? HeadersFormat : TimestampedFormat
  const Format = timestamped ? WithTimes : PlainFormat
  // The formats have different values; which one `V` is was decided where the store was built.
  return new Format<unknown>(serde, context) as unknown as ValueFormat<V>
}

function openCache(name: string, context: StoreContext): TypedCache {
  const tags = { 'task-id': context.taskId ?? 'global', store: name }
  const evictions = context.metrics.counter('store-cache-evictions-total', tags, METRIC_GROUPS.own)
  const cache = new TypedCache(() => context.readCacheBytesMax ?? READ_CACHE_BYTES_MAX, evictions)
  context.metrics.gauge('store-cache-bytes', tags, () => cache.cleanBytes, METRIC_GROUPS.own)
  context.metrics.gauge('uncommitted-bytes', tags, () => cache.pinnedBytes, METRIC_GROUPS.own)
  return cache
}
