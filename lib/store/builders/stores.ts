import type { Serde } from '../../serde/serde.ts'
import { BufferedKeyValueStore } from '../key-value/buffered-key-value-store.ts'
import type {
  CachedStore,
  KeyValueStore,
  TimestampedKeyValueStore,
  ValueAndTimestamp,
} from '../contract/key-value-store.ts'
import type { KeepHeaders } from '../format/format-of.ts'
import { LruMap } from '../key-value/lru-map.ts'
import type { StoreBuilder } from '../contract/state-store.ts'
import { validStoreName } from '../contract/store-name.ts'
import { timerStoreBuilder } from '../operator/timer-store.ts'
import { versionedStoreBuilder } from './versioned-stores.ts'
import { sessionStoreBuilder, timestampedWindowStoreBuilder, windowStoreBuilder } from './windowed-stores.ts'

export interface KeyValueStoreOptions<K, V> {
  /** Letters, digits, dots, underscores and hyphens: it becomes part of the changelog's name. */
  readonly name: string
  /** Serde of keys. Default: the application's `defaultKeySerde`. */
  readonly keySerde?: Serde<K> | undefined
  /** Serde of values. Default: the application's `defaultValueSerde`. */
  readonly valueSerde?: Serde<V> | undefined
  /** On the task's disk (default), or in memory and restored from the changelog at every start. */
  readonly persistent?: boolean | undefined
  /**
   * Whether processors may iterate (`range`, `all`, `prefixScan`). Default true. It keeps the keys in memory,
   * about 35 bytes and the key each, and reads them all when the task starts; without it those calls throw
   * `RANGES_DISABLED`.
   */
  readonly ranges?: boolean | undefined
  /** Whether changes are held back until a commit, as far as `cacheBytesMax` allows. Default false. */
  readonly caching?: boolean | undefined
  /** Topic settings of the changelog, or false for none: then the content is lost with the disk. */
  readonly logging?: false | { readonly config?: { readonly [name: string]: string } } | undefined
}

export interface TimestampedKeyValueStoreOptions<K, V> extends KeyValueStoreOptions<K, V> {
  /**
   * Whether each value keeps the headers of the record that wrote it (KIP-1271), in the changelog as headers
   * of its record; `by-setting`: if `dslStoreFormat` is `headers`. Default false. It may be changed at any
   * time: values written before keep what they have.
   */
  readonly keepHeaders?: KeepHeaders | undefined
}

export interface LruMapOptions<K, V> extends Pick<
  KeyValueStoreOptions<K, V>,
  'name' | 'keySerde' | 'valueSerde' | 'ranges' | 'logging'
> {
  /** How many keys are kept, at least 1: those read or written last. */
  readonly entriesMax: number
}

/** Builders of state stores, to be given to a topology. Each task gets a store of its own. */
export const stores = {
  /** Values by key. Its changelog records carry the timestamp of the record that wrote them. */
  keyValueStore<K, V>(
    options: KeyValueStoreOptions<K, V>,
  ): StoreBuilder<KeyValueStore<K, V> & CachedStore<K, V>> {
    return keyValueStoreBuilder(
      options,
      settings => new BufferedKeyValueStore<K, V>({ ...settings, timestamped: false }),
    )
  },

  /** Values with their own timestamps, by key: what tables and aggregates are kept in. */
  timestampedKeyValueStore<K, V>(
    options: TimestampedKeyValueStoreOptions<K, V>,
  ): StoreBuilder<TimestampedKeyValueStore<K, V>> {
    const { keepHeaders } = options
    const build = (settings: Settings) =>
      new BufferedKeyValueStore<K, ValueAndTimestamp<V>>({ ...settings, timestamped: true, keepHeaders })
    return { ...keyValueStoreBuilder(options, build), ...TIMESTAMPED }
  },

  /** Values by key and start of a window. */
  windowStore: windowStoreBuilder,

  /** Values with their own timestamps, by key and start of a window: what windowed aggregates are kept in. */
  timestampedWindowStore: timestampedWindowStoreBuilder,

  /** Values by key and session. */
  sessionStore: sessionStoreBuilder,

  /** Values by key and time (KIP-889): what a value was at a moment, as far back as `historyRetentionMs`. */
  versionedKeyValueStore: versionedStoreBuilder,

  /** One timer a key, for `context.timers`: what a processor is called for at a time, however far. */
  timers: timerStoreBuilder,

  /** Values by key, in memory, of the keys used last; the others are forgotten. */
  lruMap<K, V>(options: LruMapOptions<K, V>): StoreBuilder<KeyValueStore<K, V>> {
    const entriesMax = validEntriesMax(options)
    const build = (settings: Settings) => new LruMap<K, V>({ ...settings, timestamped: false }, entriesMax)
    return keyValueStoreBuilder({ ...options, persistent: false }, build)
  },

  /** An `lruMap` of values with timestamps: for tables and aggregates. */
  timestampedLruMap<K, V>(options: LruMapOptions<K, V>): StoreBuilder<TimestampedKeyValueStore<K, V>> {
    const entriesMax = validEntriesMax(options)
    const build = (settings: Settings) =>
      new LruMap<K, ValueAndTimestamp<V>>({ ...settings, timestamped: true }, entriesMax)
    return { ...keyValueStoreBuilder({ ...options, persistent: false }, build), ...TIMESTAMPED }
  },
}

function validEntriesMax({
  name,
  entriesMax,
}: {
  readonly name: string
  readonly entriesMax: number
}): number {
  if (Number.isSafeInteger(entriesMax) && entriesMax >= 1) return entriesMax
  throw new TypeError(`store "${name}": entriesMax is ${entriesMax}: it must be a whole number of at least 1`)
}

const TIMESTAMPED = { timestamped: true, kind: 'timestamped key-value store' } as const

type Settings = Omit<ConstructorParameters<typeof BufferedKeyValueStore>[0], 'timestamped'>

function keyValueStoreBuilder<K, V, S extends KeyValueStore<K, unknown>>(
  options: KeyValueStoreOptions<K, V>,
  build: (settings: Settings) => S,
): StoreBuilder<S> {
  const settings: Settings = {
    name: validStoreName(options.name),
    keySerde: options.keySerde as Serde<unknown> | undefined,
    valueSerde: options.valueSerde as Serde<unknown> | undefined,
    ranges: options.ranges ?? true,
    caching: options.caching ?? false,
  }
  return {
    name: settings.name,
    kind: 'key-value store',
    persistent: options.persistent ?? true,
    caching: settings.caching,
    keySerde: settings.keySerde,
    valueSerde: settings.valueSerde,
    changelog:
      options.logging === false
        ? undefined
        : { config: options.logging?.config ?? {}, cleanupPolicy: 'compact' },
    build: () => build(settings),
  }
}
