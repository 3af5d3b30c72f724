import type { Windowed } from '../../common/windowed.ts'
import type { CachedStore, ValueAndTimestamp } from './key-value-store.ts'
import type { StateStore } from './state-store.ts'

/** A range of times, in milliseconds since the epoch, both included; an absent bound is open. */
export interface TimeRange {
  readonly fromMs?: number | undefined
  readonly toMs?: number | undefined
}

/** A range of keys in the order of their serialised bytes, both included; an absent bound is open. */
export interface KeyRange<K> {
  readonly from?: K | undefined
  readonly to?: K | undefined
}

/**
 * Reads of a window store in the record path. Entries that retention has ended are not found: an entry is
 * kept while its window starts after the largest start ever put minus the retention. An iterator shows the
 * moment of the call.
 */
export interface WindowStoreReads<K, V> {
  /**
   * The value of the window that starts at that time. In a store that retains duplicates: undefined, as there
   * is no one value.
   */
  fetch(key: K, windowStartMs: number): V | undefined
  /** The windows of a key by their starts, earliest first. */
  fetch(key: K, starts: TimeRange): IterableIterator<readonly [windowStartMs: number, value: V]>
  backwardFetch(key: K, starts: TimeRange): IterableIterator<readonly [windowStartMs: number, value: V]>
  /** Windows of several keys, in the order of the window's start, then the key. */
  fetchRange(keys: KeyRange<K>, starts: TimeRange): IterableIterator<readonly [Windowed<K>, V]>
  backwardFetchRange(keys: KeyRange<K>, starts: TimeRange): IterableIterator<readonly [Windowed<K>, V]>
  fetchAll(starts: TimeRange): IterableIterator<readonly [Windowed<K>, V]>
  backwardFetchAll(starts: TimeRange): IterableIterator<readonly [Windowed<K>, V]>
  all(): IterableIterator<readonly [Windowed<K>, V]>
  backwardAll(): IterableIterator<readonly [Windowed<K>, V]>
}

/** A store of values by key and start of a window; all windows have the size of the store. */
export interface WindowStore<K, V> extends StateStore, WindowStoreReads<K, V> {
  /**
   * Puts a value; `null` deletes (in a store that retains duplicates it deletes nothing, and only advances
   * time). A window that retention has ended already is not put, and counted as `dropped-records-total`.
   */
  put(key: K, value: V | null, windowStartMs: number): void
  readonly retentionMs: number
  readonly windowSizeMs: number
}

/**
 * Called with the time up to which retention is about to end entries: starts of windows, ends of sessions.
 */
export type ExpiryListener = (throughMs: number) => void

/** A store that forgets by time, and calls a listener while everything is still there. */
export interface ExpiringStore {
  /**
   * Sets the listener. It may read the store; its exceptions leave the put that would have ended the entries.
   */
  setExpiryListener(listener: ExpiryListener): void
}

/** A store of values with timestamps, by window: for windowed aggregates. */
export type TimestampedWindowStore<K, V> = WindowStore<K, ValueAndTimestamp<V>> &
  CachedStore<Windowed<K>, ValueAndTimestamp<V>> &
  ExpiringStore

/**
 * Reads from outside the record path, in the same orders. One window is answered at once; ranges cannot
 * (Level iterates asynchronously).
 */
export interface ReadOnlyWindowStore<K, V> {
  fetch(key: K, windowStartMs: number): V | undefined
  fetch(key: K, starts: TimeRange): AsyncIterable<readonly [windowStartMs: number, value: V]>
  backwardFetch(key: K, starts: TimeRange): AsyncIterable<readonly [windowStartMs: number, value: V]>
  fetchRange(keys: KeyRange<K>, starts: TimeRange): AsyncIterable<readonly [Windowed<K>, V]>
  backwardFetchRange(keys: KeyRange<K>, starts: TimeRange): AsyncIterable<readonly [Windowed<K>, V]>
  fetchAll(starts: TimeRange): AsyncIterable<readonly [Windowed<K>, V]>
  backwardFetchAll(starts: TimeRange): AsyncIterable<readonly [Windowed<K>, V]>
  all(): AsyncIterable<readonly [Windowed<K>, V]>
  backwardAll(): AsyncIterable<readonly [Windowed<K>, V]>
}
