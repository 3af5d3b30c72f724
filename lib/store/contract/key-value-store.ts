import type { Header } from '../../common/headers.ts'
import type { StateStore } from './state-store.ts'

/** A value and the time it is from. */
export interface ValueAndTimestamp<V> {
  readonly value: V
  readonly timestamp: number
  /**
   * Headers of the record that wrote the value, in a store that keeps headers; absent if it had none. A put
   * takes the headers of the record being processed.
   */
  readonly headers?: readonly Header[]
}

/**
 * Reads in the record path. Keys in ranges are in the order of their serialised bytes; an absent bound is
 * open; both bounds are included, as in Kafka Streams. An iterator shows the moment of the call: later writes
 * neither show nor disturb.
 */
export interface KeyValueReads<K, V> {
  get(key: K): V | undefined
  range(from: K | undefined, to: K | undefined): IterableIterator<readonly [K, V]>
  reverseRange(from: K | undefined, to: K | undefined): IterableIterator<readonly [K, V]>
  all(): IterableIterator<readonly [K, V]>
  reverseAll(): IterableIterator<readonly [K, V]>
  /**
   * Keys whose serialised bytes start with those of `prefix`, which `serde` turns into bytes (default: the
   * key serde).
   */
  prefixScan(prefix: K): IterableIterator<readonly [K, V]>
  approximateNumEntries(): number
}

/** A store by key. `null` as a value deletes; a key is never null. */
export interface KeyValueStore<K, V> extends StateStore, KeyValueReads<K, V> {
  put(key: K, value: V | null): void
  /** Puts a value where the key has none. Returns the present value, which then stays. */
  putIfAbsent(key: K, value: V): V | undefined
  putAll(entries: Iterable<readonly [K, V | null]>): void
  /** Deletes a key. Returns its former value. */
  delete(key: K): V | undefined
}

/**
 * Called with a change that leaves a cache, to be forwarded. `oldValue`: the value told last, if asked for.
 */
export type FlushListener<K, V> = (
  key: K,
  newValue: V | undefined,
  oldValue: V | undefined,
  timestamp: number,
) => void

/** A store whose caching holds changes back. */
export interface CachedStore<K, V> {
  /**
   * Sets the listener to changes that are held back, which is called at eviction and `flush`. False: nothing
   * is cached, and the writer forwards by itself.
   */
  setFlushListener(listener: FlushListener<K, V>, options: { readonly sendOldValues: boolean }): boolean
}

/** A store of values with their timestamps: for tables and aggregates. */
export type TimestampedKeyValueStore<K, V> = KeyValueStore<K, ValueAndTimestamp<V>> &
  CachedStore<K, ValueAndTimestamp<V>>

/**
 * Reads from outside the record path. `get` answers at once; ranges cannot (Level iterates asynchronously).
 */
export interface ReadOnlyKeyValueStore<K, V> {
  get(key: K): V | undefined
  range(from: K | undefined, to: K | undefined): AsyncIterable<readonly [K, V]>
  reverseRange(from: K | undefined, to: K | undefined): AsyncIterable<readonly [K, V]>
  all(): AsyncIterable<readonly [K, V]>
  reverseAll(): AsyncIterable<readonly [K, V]>
  prefixScan(prefix: K): AsyncIterable<readonly [K, V]>
  approximateNumEntries(): number
}
