import type { Serde } from '../../serde/serde.ts'
import { BufferedVersionedStore } from '../versioned/buffered-versioned-store.ts'
import type { StoreBuilder } from '../contract/state-store.ts'
import { validStoreName } from '../contract/store-name.ts'
import type { VersionedKeyValueStore } from '../contract/versioned-key-value-store.ts'

export interface VersionedStoreOptions<K, V> {
  /** Letters, digits, dots, underscores and hyphens: it becomes part of the changelog's name. */
  readonly name: string
  /** Serde of keys. Default: the application's `defaultKeySerde`. */
  readonly keySerde?: Serde<K> | undefined
  /** Serde of values. Default: the application's `defaultValueSerde`. */
  readonly valueSerde?: Serde<V> | undefined
  /**
   * How far back versions are kept and found, counted from the largest timestamp put. It is the grace period
   * too: a put that is older is dropped. The latest version of a key never expires.
   */
  readonly historyRetentionMs: number
  /**
   * The span of time whose ended versions lie together, and are dropped together. Longer: fewer places to
   * look at, larger rows. Default: a third to a 24th of the retention, as in Kafka Streams.
   */
  readonly segmentIntervalMs?: number | undefined
  /** On the task's disk (default), or in memory and restored from the changelog at every start. */
  readonly persistent?: boolean | undefined
  /** Topic settings of the changelog, or false for none: then the content is lost with the disk. */
  readonly logging?: false | { readonly config?: { readonly [name: string]: string } } | undefined
}

/**
 * Time, beyond the history, before the changelog may be compacted: a restore needs every version of the
 * history (KIP-889).
 */
const COMPACTION_LAG_MS = 24 * 60 * 60 * 1000

export function versionedStoreBuilder<K, V>(
  options: VersionedStoreOptions<K, V>,
): StoreBuilder<VersionedKeyValueStore<K, V>> {
  const { historyRetentionMs, segmentIntervalMs = defaultSegmentIntervalMs(historyRetentionMs) } = options
  checkSpan(options.name, 'historyRetentionMs', historyRetentionMs, 0)
  checkSpan(options.name, 'segmentIntervalMs', segmentIntervalMs, 1)
  const settings = {
    name: validStoreName(options.name),
    keySerde: options.keySerde as Serde<unknown> | undefined,
    valueSerde: options.valueSerde as Serde<unknown> | undefined,
    historyRetentionMs,
    segmentIntervalMs,
  }
  const lag = { 'min.compaction.lag.ms': String(historyRetentionMs + COMPACTION_LAG_MS) }
  return {
    name: settings.name,
    kind: 'versioned key-value store',
    persistent: options.persistent ?? true,
    caching: false,
    keySerde: settings.keySerde,
    valueSerde: settings.valueSerde,
    changelog:
      options.logging === false
        ? undefined
        : { config: { ...lag, ...options.logging?.config }, cleanupPolicy: 'compact' },
    build: () => new BufferedVersionedStore<K, V>(settings),
  }
}

/** The default that Kafka Streams chose, "somewhat arbitrary" by its own account. */
function defaultSegmentIntervalMs(historyRetentionMs: number): number {
  if (historyRetentionMs <= 60_000) return Math.max(Math.floor(historyRetentionMs / 3), 2000)
  if (historyRetentionMs <= 300_000) return Math.max(Math.floor(historyRetentionMs / 5), 20_000)
  if (historyRetentionMs <= 3_600_000) return Math.max(Math.floor(historyRetentionMs / 12), 60_000)
  return Math.max(Math.floor(historyRetentionMs / 24), 300_000)
}

function checkSpan(storeName: string, option: string, ms: number, least: number): void {
  if (Number.isSafeInteger(ms) && ms >= least) return
  throw new TypeError(
    `store "${storeName}": ${option} is ${ms}: it must be a whole number of milliseconds, at least ${least}`,
  )
}
