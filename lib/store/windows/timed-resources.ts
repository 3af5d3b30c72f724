import { METRIC_GROUPS } from '../../common/metrics/metrics.ts'
import { droppedRecords } from '../../common/metrics/dropped-records.ts'
import type { Counter } from '../../common/metrics/meter.ts'
import type { Serde } from '../../serde/serde.ts'

import { DirtyChanges } from '../memory/dirty-changes.ts'
import { RestoredWrites } from '../memory/restored-writes.ts'
import type { KeepHeaders } from '../memory/store-resources.ts'
import { formatOf, READ_CACHE_BYTES_MAX } from '../memory/store-resources.ts'
import type { ValueFormat } from '../format/value-format.ts'
import { WriteBuffer } from '../memory/write-buffer.ts'
import type { ChangelogRecord, StoreContext } from '../contract/state-store.ts'
import { serdeOrThrow } from '../contract/store-error.ts'
import { storePrefix } from '../contract/store-name.ts'
import { Retention } from './retention.ts'
import { ForgottenEntries } from './forgotten-entries.ts'
import { TimedCache } from './timed-cache.ts'
import type { TimedEntry } from './timed-entry.ts'
import type { SuffixBytes } from './timed-key-codec.ts'
import { TimedKeyCodec } from './timed-key-codec.ts'
import { TimeIndex } from './time-index.ts'

/** How a store of entries by key and time is to be. Undefined serdes are the application's. */
export interface TimedStoreSettings {
  readonly name: string
  readonly timestamped: boolean
  readonly keepHeaders?: KeepHeaders | undefined
  readonly keySerde: Serde<unknown> | undefined
  readonly valueSerde: Serde<unknown> | undefined
  readonly caching: boolean
  readonly retentionMs: number
  /** Instead of `retentionMs` while changes are held back. */
  readonly cachedRetentionMs?: number | undefined
  readonly suffixBytes: SuffixBytes
}

/** The layers of one open store. */
export interface TimedResources<K, V> {
  readonly context: StoreContext
  readonly codec: TimedKeyCodec<K>
  readonly values: ValueFormat<V>
  readonly index: TimeIndex
  readonly cache: TimedCache
  readonly buffer: WriteBuffer<TimedEntry>
  readonly restored: RestoredWrites
  /** Undefined where changes are not held back. */
  readonly held: DirtyChanges<TimedEntry> | undefined
  readonly retention: Retention
  /** Undefined where the cache keeps nothing longer than retention. */
  readonly forgotten: ForgottenEntries | undefined
  readonly dropped: Counter
  /**
   * Where every write goes to the changelog at once; undefined where the commit does it, or there is none.
   */
  readonly logNow: StoreContext['log']
}

export function openTimedResources<K, V>(
  settings: TimedStoreSettings,
  context: StoreContext,
): TimedResources<K, V> {
  const { name } = settings
  const keySerde = serdeOrThrow(name, 'key', settings.keySerde, context.defaultKeySerde) as Serde<K>
  const valueSerde = serdeOrThrow(name, 'value', settings.valueSerde, context.defaultValueSerde)
  const serdeContext = { topic: context.changelogTopic }
  const codec = new TimedKeyCodec(keySerde, serdeContext, storePrefix(name), settings.suffixBytes)
  const index = new TimeIndex()
  const cache = openCache(name, index, context)
  const values = formatOf<V>(settings, valueSerde, serdeContext, context)
  const rowOf = (record: ChangelogRecord) => {
    const { id, time, suffix } = codec.readChangelogKey(record.key!)
    const { value, timestamp } = record
    return {
      id: codec.engineId(id, time, suffix),
      value: value && values.fromChangelog(value, timestamp, record),
    }
  }
  const holdsBack = settings.caching && context.cacheBytesMax > 0
  const { retentionMs, cachedRetentionMs = retentionMs } = settings
  const retained = { name, retentionMs: holdsBack ? cachedRetentionMs : retentionMs }
  const retention = new Retention(retained, codec, context.engine)
  const outlives = retained.retentionMs > retentionMs
  return {
    context,
    codec,
    values,
    index,
    cache,
    buffer: new WriteBuffer(cache),
    restored: new RestoredWrites(rowOf),
    held: holdsBack ? new DirtyChanges(cache, context) : undefined,
    retention,
    forgotten: outlives ? new ForgottenEntries(retentionMs, retention.latestMs) : undefined,
    dropped: droppedRecords(context.metrics, context.taskId),
    logNow: context.changelogCoalescing ? undefined : context.log,
  }
}

function openCache(name: string, index: TimeIndex, context: StoreContext): TimedCache {
  const tags = { 'task-id': context.taskId ?? 'global', store: name }
  const evictions = context.metrics.counter('store-cache-evictions-total', tags, METRIC_GROUPS.own)
  const cache = new TimedCache(index, () => context.readCacheBytesMax ?? READ_CACHE_BYTES_MAX, evictions)
  context.metrics.gauge('store-cache-bytes', tags, () => cache.cleanBytes, METRIC_GROUPS.own)
  context.metrics.gauge('uncommitted-bytes', tags, () => cache.pinnedBytes, METRIC_GROUPS.own)
  return cache
}
