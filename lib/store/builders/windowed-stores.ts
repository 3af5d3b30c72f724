import { ConfigError } from '../../common/errors/errors.ts'
import type { Windowed } from '../../common/windowed.ts'
import type { Serde } from '../../serde/serde.ts'
import { BufferedSessionStore } from '../windows/buffered-session-store.ts'
import { BufferedWindowStore } from '../windows/buffered-window-store.ts'
import type { CachedStore, ValueAndTimestamp } from '../contract/key-value-store.ts'
import type { KeepHeaders } from '../format/format-of.ts'
import type { SessionStore } from '../contract/session-store.ts'
import type { StateStore, StoreBuilder } from '../contract/state-store.ts'
import { validStoreName } from '../contract/store-name.ts'
import type { TimestampedWindowStore, WindowStore } from '../contract/window-store.ts'

export interface SessionStoreOptions<K, V> {
  /** Letters, digits, dots, underscores and hyphens: it becomes part of the changelog's name. */
  readonly name: string
  /** Serde of keys. Default: the application's `defaultKeySerde`. */
  readonly keySerde?: Serde<K> | undefined
  /** Serde of values. Default: the application's `defaultValueSerde`. */
  readonly valueSerde?: Serde<V> | undefined
  /**
   * How far back of the latest session's end the ends of others may lie; earlier ones are forgotten. For
   * windows: their starts.
   */
  readonly retentionMs: number
  /** Retention while changes are held back (`caching`, and a `cacheBytesMax`); default `retentionMs`. */
  readonly cachedRetentionMs?: number | undefined
  /** On the task's disk (default), or in memory and restored from the changelog at every start. */
  readonly persistent?: boolean | undefined
  /** Whether changes are held back until a commit, as far as `cacheBytesMax` allows. Default false. */
  readonly caching?: boolean | undefined
  /** Topic settings of the changelog, or false for none: then the content is lost with the disk. */
  readonly logging?: false | { readonly config?: { readonly [name: string]: string } } | undefined
}

export interface WindowStoreOptions<K, V> extends SessionStoreOptions<K, V> {
  /** Size of every window in the store; 2^63 for unlimited ones. */
  readonly windowSizeMs: number
  /**
   * Whether a second value of a key and window stands beside the first, as stream–stream joins need it. Then
   * nothing is cached. Default false.
   */
  readonly retainDuplicates?: boolean | undefined
}

export function windowStoreBuilder<K, V>(
  options: WindowStoreOptions<K, V>,
): StoreBuilder<WindowStore<K, V> & CachedStore<Windowed<K>, V>> {
  const settings = windowSettings(options)
  return windowBuilder(options, () => new BufferedWindowStore<K, V>({ ...settings, timestamped: false }))
}

export function timestampedWindowStoreBuilder<K, V>(
  options: WindowStoreOptions<K, V> & { readonly keepHeaders?: KeepHeaders },
): StoreBuilder<TimestampedWindowStore<K, V>> {
  const { keepHeaders } = options
  const settings = { ...windowSettings(options), timestamped: true, keepHeaders }
  const build = () => new BufferedWindowStore<K, ValueAndTimestamp<V>>(settings)
  const kind = options.retainDuplicates
    ? 'timestamped window store with duplicates'
    : 'timestamped window store'
  return { ...windowBuilder(options, build), timestamped: true, kind }
}

export function sessionStoreBuilder<K, V>(
  options: SessionStoreOptions<K, V>,
): StoreBuilder<SessionStore<K, V>> {
  const settings = { ...commonSettings(options), timestamped: false, suffixBytes: 8 as const }
  const build = () => new BufferedSessionStore<K, V>(settings)
  return { ...builder(options, 'compact,delete', build), kind: 'session store' }
}

function windowSettings<K, V>(options: WindowStoreOptions<K, V>) {
  const { name, windowSizeMs, retentionMs, retainDuplicates = false } = options
  checkDuration(name, 'windowSizeMs', windowSizeMs)
  const common = commonSettings(options)
  if (retentionMs < windowSizeMs) {
    throw new ConfigError(
      'RETENTION_TOO_SHORT',
      `store "${name}": retentionMs ${retentionMs} is shorter than windowSizeMs ${windowSizeMs}: a window would be forgotten before it ends`,
    )
  }
  return { ...common, windowSizeMs, retainDuplicates, suffixBytes: 4 as const }
}

function commonSettings<K, V>({
  name,
  keySerde,
  valueSerde,
  retentionMs,
  cachedRetentionMs,
  caching = false,
}: SessionStoreOptions<K, V>) {
  checkDuration(validStoreName(name), 'retentionMs', retentionMs)
  return {
    name,
    keySerde: keySerde as Serde<unknown> | undefined,
    valueSerde: valueSerde as Serde<unknown> | undefined,
    retentionMs,
    cachedRetentionMs,
    caching,
  }
}

function checkDuration(storeName: string, setting: string, durationMs: number): void {
  if (Number.isInteger(durationMs) && durationMs >= 0) return
  throw new ConfigError(
    'INVALID_DURATION',
    `store "${storeName}": ${setting} is ${durationMs}; it must be a whole number of milliseconds, not negative`,
  )
}

/**
 * The builder of a window store. Stores of duplicates are not compacted: they have no tombstones, and every
 * record has a key of its own.
 */
function windowBuilder<K, V, S extends StateStore>(
  options: WindowStoreOptions<K, V>,
  build: () => S,
): StoreBuilder<S> {
  const { caching = false, retainDuplicates = false } = options
  const policy = retainDuplicates ? 'delete' : 'compact,delete'
  const kind = retainDuplicates ? 'window store with duplicates' : 'window store'
  const { windowSizeMs } = options
  return { ...builder(options, policy, build), caching: caching && !retainDuplicates, kind, windowSizeMs }
}

function builder<K, V, S extends StateStore>(
  { name, persistent, caching, logging, keySerde, valueSerde, retentionMs }: SessionStoreOptions<K, V>,
  cleanupPolicy: string,
  build: () => S,
): StoreBuilder<S> {
  return {
    name,
    persistent: persistent ?? true,
    caching: caching ?? false,
    keySerde: keySerde as Serde<unknown> | undefined,
    valueSerde: valueSerde as Serde<unknown> | undefined,
    changelog: logging === false ? undefined : { config: logging?.config ?? {}, cleanupPolicy, retentionMs },
    build,
  }
}
