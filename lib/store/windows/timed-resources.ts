import { droppedRecords } from '../../common/metrics/dropped-records.ts'
import type { Counter } from '../../common/metrics/meter.ts'
import type { Serde } from '../../serde/serde.ts'
import type { ChangelogRecord, StoreContext } from '../contract/state-store.ts'
import { serdeOrThrow } from '../contract/store-error.ts'
import { storePrefix } from '../contract/store-name.ts'
import { formatOf, type KeepHeaders } from '../format/format-of.ts'
import type { ValueFormat } from '../format/value-format.ts'
import { EntryStore } from '../memory/entry-store.ts'
import { openCache } from '../memory/open-cache.ts'
import { RestoredWrites } from '../memory/restored-writes.ts'
import { ForgottenEntries } from './forgotten-entries.ts'
import { Retention } from './retention.ts'
import { TimeIndex } from './time-index.ts'
import { TimedCache } from './timed-cache.ts'
import type { TimedEntry } from './timed-entry.ts'
import { TimedKeyCodec, type SuffixBytes } from './timed-key-codec.ts'
import { TimedPlaces, type TimedPlace } from './timed-places.ts'

/** Settings of a store of entries by key and time. Undefined serdes are the application's. */
export interface TimedStoreSettings {
  readonly name: string
  readonly timestamped: boolean
  readonly keepHeaders?: KeepHeaders | undefined
  readonly keySerde: Serde<unknown> | undefined
  readonly valueSerde: Serde<unknown> | undefined
  readonly caching: boolean
  readonly retentionMs: number
  /** Retention while changes are held back, instead of `retentionMs`. */
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
  readonly restored: RestoredWrites
  readonly places: TimedPlaces<K>
  readonly entries: EntryStore<TimedEntry, V, TimedPlace<K>>
  readonly retention: Retention
  readonly dropped: Counter
  /** Sends every write to the changelog at once; undefined where the commit does it, or there is none. */
  readonly logNow: StoreContext['log']
}

export function openTimedResources<K, V>(
  settings: TimedStoreSettings,
  context: StoreContext,
): TimedResources<K, V> {
  const { name, caching, retentionMs } = settings
  const { engine } = context
  const keySerde = serdeOrThrow(name, 'key', settings.keySerde, context.defaultKeySerde) as Serde<K>
  const valueSerde = serdeOrThrow(name, 'value', settings.valueSerde, context.defaultValueSerde)
  const serdeContext = { topic: context.changelogTopic }
  const codec = new TimedKeyCodec(keySerde, serdeContext, storePrefix(name), settings.suffixBytes)
  const index = new TimeIndex()
  const cache = openCache(name, context, (bytesMax, evictions) => new TimedCache(index, bytesMax, evictions))
  const values = formatOf<V>(settings, valueSerde, serdeContext, context)
  const restored = new RestoredWrites(rowOf(codec, values))
  const keptMs = keptForMs(settings, context)
  const retention = new Retention({ name, retentionMs: keptMs }, codec, engine)
  const forgotten = keptMs > retentionMs ? new ForgottenEntries(retentionMs, retention.latestMs) : undefined
  const dropped = droppedRecords(context.metrics, context.taskId)
  const places = new TimedPlaces({ engine, codec, index, restored, forgotten, dropped })
  const entries = new EntryStore({ name, context, values, cache, restored, places, caching })
  const logNow = context.changelogCoalescing ? undefined : context.log
  return {
    context,
    codec,
    values,
    index,
    cache,
    restored,
    places,
    entries,
    retention,
    dropped,
    logNow,
  }
}

function keptForMs(settings: TimedStoreSettings, context: StoreContext): number {
  const { caching, retentionMs, cachedRetentionMs = retentionMs } = settings
  return caching && context.cacheBytesMax > 0 ? cachedRetentionMs : retentionMs
}

function rowOf<K, V>(codec: TimedKeyCodec<K>, values: ValueFormat<V>) {
  return (record: ChangelogRecord) => {
    const { id, time, suffix } = codec.readChangelogKey(record.key!)
    const { value, timestamp } = record
    return {
      id: codec.engineId(id, time, suffix),
      value: value && values.fromChangelog(value, timestamp, record),
    }
  }
}
