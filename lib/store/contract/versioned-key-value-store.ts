import type { StateStore } from './state-store.ts'

/**
 * A value and the span for which it holds: from `timestamp` up to, but not including, `validToMs` (undefined:
 * it is the latest).
 */
export interface VersionedRecord<V> {
  readonly value: V
  readonly timestamp: number
  readonly validToMs: number | undefined
}

/**
 * The result of a put: the time up to which the new version holds (undefined: it is the latest), or that it
 * came after its history retention and was not put (counted as `dropped-records-total`).
 */
export type VersionedPut =
  { readonly put: true; readonly validToMs: number | undefined } | { readonly put: false }

/** Reads from outside the record path. They answer at once, since each version has its known place. */
export interface ReadOnlyVersionedStore<K, V> {
  /** The latest version. */
  get(key: K): VersionedRecord<V> | undefined
  /** The version of that time; undefined also for a time before the history that is kept. */
  getAsOf(key: K, timestampMs: number): VersionedRecord<V> | undefined
}

/**
 * A store of values by key and time (KIP-889): it knows a key's value at a moment, as far back as
 * `historyRetentionMs`.
 */
export interface VersionedKeyValueStore<K, V> extends StateStore, ReadOnlyVersionedStore<K, V> {
  /** Puts a version. `null` is one, too: from `timestamp` on, there is no value. */
  put(key: K, value: V | null, timestamp: number): VersionedPut
  /** Puts a version without value. Returns the version that held at that time before. */
  delete(key: K, timestamp: number): VersionedRecord<V> | undefined
  readonly historyRetentionMs: number
}
