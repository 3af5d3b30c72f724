import { ConfigError } from '../../common/errors/errors.ts'
import type { Windowed } from '../../common/windowed.ts'
import { BufferedWindowStore } from '../windows/buffered-window-store.ts'
import type { Isolation } from './read-only-view.ts'
import type { StateStore } from '../contract/state-store.ts'
import { TimedView } from './timed-view.ts'
import type { KeyRange, ReadOnlyWindowStore, TimeRange } from '../contract/window-store.ts'

/**
 * A window store for readers from outside the record path. Ranges show the moment of the call. After the
 * store's task has left, calls throw `STORE_CLOSED`.
 */
export function readOnlyWindowView<K, V>(
  store: StateStore,
  options: { readonly isolation: Isolation },
): ReadOnlyWindowStore<K, V> {
  if (store instanceof BufferedWindowStore) return new ReadOnlyWindowView<K, V>(store, options.isolation)
  throw new ConfigError(
    'STORE_NOT_READABLE',
    `store "${store.name}" is no window store and cannot be read as one`,
  )
}

type Rows<K, V> = AsyncIterable<readonly [Windowed<K>, V]>

class ReadOnlyWindowView<K, V> implements ReadOnlyWindowStore<K, V> {
  readonly #store: BufferedWindowStore<K, V>
  readonly #view: TimedView<K, V>

  constructor(store: BufferedWindowStore<K, V>, isolation: Isolation) {
    this.#store = store
    this.#view = new TimedView(store.entries, isolation)
  }

  fetch(key: K, windowStartMs: number): V | undefined
  fetch(key: K, starts: TimeRange): AsyncIterable<readonly [number, V]>
  fetch(key: K, at: number | TimeRange): V | undefined | AsyncIterable<readonly [number, V]> {
    if (typeof at !== 'number') return asynchronous(this.#ofKey(key, at))
    return this.#store.retainDuplicates ? undefined : this.#view.get(key, at, 0)
  }

  backwardFetch(key: K, starts: TimeRange): AsyncIterable<readonly [number, V]> {
    return asynchronous(this.#ofKey(key, starts).reverse())
  }

  fetchRange(keys: KeyRange<K>, starts: TimeRange): Rows<K, V> {
    return this.#scan(keys, starts, false)
  }

  backwardFetchRange(keys: KeyRange<K>, starts: TimeRange): Rows<K, V> {
    return this.#scan(keys, starts, true)
  }

  fetchAll(starts: TimeRange): Rows<K, V> {
    return this.#scan({}, starts, false)
  }

  backwardFetchAll(starts: TimeRange): Rows<K, V> {
    return this.#scan({}, starts, true)
  }

  all(): Rows<K, V> {
    return this.#scan({}, {}, false)
  }

  backwardAll(): Rows<K, V> {
    return this.#scan({}, {}, true)
  }

  #ofKey(key: K, { fromMs = 0, toMs = Infinity }: TimeRange): (readonly [number, V])[] {
    return this.#view.rowsOfKey(key, fromMs, toMs, Infinity, (_key, startMs, _suffix, value) => [
      startMs,
      value,
    ])
  }

  #scan(keys: KeyRange<K>, { fromMs = 0, toMs = Infinity }: TimeRange, reverse: boolean): Rows<K, V> {
    const bounds = { keys, fromTime: fromMs, toTime: toMs, suffixMax: Infinity, reverse }
    return this.#view.scan(bounds, (key, startMs, _suffix, value) => [
      this.#store.windowed(key, startMs),
      value,
    ])
  }
}

async function* asynchronous<R>(rows: readonly R[]): AsyncGenerator<R> {
  yield* rows
}
