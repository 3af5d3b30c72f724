import { ConfigError } from '../common/errors/errors.ts'
import type { Windowed } from '../common/windowed.ts'
import { BufferedKeyValueStore } from '../store/key-value/buffered-key-value-store.ts'
import { BufferedSessionStore } from '../store/windows/buffered-session-store.ts'
import { BufferedVersionedStore } from '../store/versioned/buffered-versioned-store.ts'
import { BufferedWindowStore } from '../store/windows/buffered-window-store.ts'
import type { KeyValueReads, ValueAndTimestamp } from '../store/contract/key-value-store.ts'
import type { SessionStoreReads } from '../store/contract/session-store.ts'
import type { StateStore } from '../store/contract/state-store.ts'
import type { ReadOnlyVersionedStore } from '../store/contract/versioned-key-value-store.ts'
import type { KeyRange, TimeRange, WindowStoreReads } from '../store/contract/window-store.ts'

/** What is shown of a stored value: it itself, or it without its timestamp. */
type Show<V> = (stored: unknown) => V

/** Throws `STORE_NOT_READABLE`, as the other three, for a store of another kind. */
export function keyValueReads<K, V>(store: StateStore, timestamped: boolean): KeyValueReads<K, V> {
  if (store instanceof BufferedKeyValueStore) return new ShownReads<K, V>(store, showing(timestamped))
  throw notReadable(store, 'key-value store')
}

export function windowReads<K, V>(store: StateStore, timestamped: boolean): WindowStoreReads<K, V> {
  if (store instanceof BufferedWindowStore) return new ShownWindows<K, V>(store, showing(timestamped))
  throw notReadable(store, 'window store')
}

export function sessionReads<K, V>(store: StateStore): SessionStoreReads<K, V> {
  if (store instanceof BufferedSessionStore) return store
  throw notReadable(store, 'session store')
}

export function versionedReads<K, V>(store: StateStore): ReadOnlyVersionedStore<K, V> {
  if (store instanceof BufferedVersionedStore) return store
  throw notReadable(store, 'versioned store')
}

function showing<V>(timestamped: boolean): Show<V> {
  return timestamped ? stored => (stored as ValueAndTimestamp<V>).value : stored => stored as V
}

function notReadable(store: StateStore, kind: string): ConfigError {
  return new ConfigError(
    'STORE_NOT_READABLE',
    `store "${store.name}" is no ${kind} and cannot be read as one`,
  )
}

function* mapped<K, V>(
  rows: Iterable<readonly [K, unknown]>,
  show: Show<V>,
): IterableIterator<readonly [K, V]> {
  for (const [key, stored] of rows) yield [key, show(stored)]
}

class ShownReads<K, V> implements KeyValueReads<K, V> {
  readonly #store: KeyValueReads<K, unknown>
  readonly #show: Show<V>

  constructor(store: KeyValueReads<K, unknown>, show: Show<V>) {
    this.#store = store
    this.#show = show
  }

  get(key: K): V | undefined {
    const stored = this.#store.get(key)
    return stored === undefined ? undefined : this.#show(stored)
  }

  range(from: K | undefined, to: K | undefined) {
    return mapped(this.#store.range(from, to), this.#show)
  }

  reverseRange(from: K | undefined, to: K | undefined) {
    return mapped(this.#store.reverseRange(from, to), this.#show)
  }

  all() {
    return mapped(this.#store.all(), this.#show)
  }

  reverseAll() {
    return mapped(this.#store.reverseAll(), this.#show)
  }

  prefixScan(prefix: K) {
    return mapped(this.#store.prefixScan(prefix), this.#show)
  }

  approximateNumEntries(): number {
    return this.#store.approximateNumEntries()
  }
}

class ShownWindows<K, V> implements WindowStoreReads<K, V> {
  readonly #store: WindowStoreReads<K, unknown>
  readonly #show: Show<V>

  constructor(store: WindowStoreReads<K, unknown>, show: Show<V>) {
    this.#store = store
    this.#show = show
  }

  fetch(key: K, windowStartMs: number): V | undefined
  fetch(key: K, starts: TimeRange): IterableIterator<readonly [number, V]>
  fetch(key: K, at: number | TimeRange): V | undefined | IterableIterator<readonly [number, V]> {
    if (typeof at !== 'number') return mapped(this.#store.fetch(key, at), this.#show)
    const stored = this.#store.fetch(key, at)
    return stored === undefined ? undefined : this.#show(stored)
  }

  backwardFetch(key: K, starts: TimeRange) {
    return mapped(this.#store.backwardFetch(key, starts), this.#show)
  }

  fetchRange(keys: KeyRange<K>, starts: TimeRange) {
    return this.#rows(this.#store.fetchRange(keys, starts))
  }

  backwardFetchRange(keys: KeyRange<K>, starts: TimeRange) {
    return this.#rows(this.#store.backwardFetchRange(keys, starts))
  }

  fetchAll(starts: TimeRange) {
    return this.#rows(this.#store.fetchAll(starts))
  }

  backwardFetchAll(starts: TimeRange) {
    return this.#rows(this.#store.backwardFetchAll(starts))
  }

  all() {
    return this.#rows(this.#store.all())
  }

  backwardAll() {
    return this.#rows(this.#store.backwardAll())
  }

  #rows(rows: Iterable<readonly [Windowed<K>, unknown]>): IterableIterator<readonly [Windowed<K>, V]> {
    return mapped(rows, this.#show)
  }
}
