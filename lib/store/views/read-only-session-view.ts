import { ConfigError } from '../../common/errors/errors.ts'
import type { TimeWindow, Windowed } from '../../common/windowed.ts'
import { BufferedSessionStore } from '../windows/buffered-session-store.ts'
import type { Isolation } from './read-only-view.ts'
import type { ReadOnlySessionStore, SessionSpan } from '../contract/session-store.ts'
import type { StateStore } from '../contract/state-store.ts'
import { TimedView } from './timed-view.ts'
import type { KeyRange } from '../contract/window-store.ts'

/**
 * A session store for readers from outside the record path. Ranges show the moment of the call. After the
 * store's task has left, calls throw `STORE_CLOSED`.
 */
export function readOnlySessionView<K, V>(
  store: StateStore,
  options: { readonly isolation: Isolation },
): ReadOnlySessionStore<K, V> {
  if (store instanceof BufferedSessionStore) return new ReadOnlySessionView<K, V>(store, options.isolation)
  throw new ConfigError(
    'STORE_NOT_READABLE',
    `store "${store.name}" is no session store and cannot be read as one`,
  )
}

type Rows<K, V> = AsyncIterable<readonly [Windowed<K>, V]>

const EVER: SessionSpan = { earliestEndMs: 0, latestStartMs: Infinity }

class ReadOnlySessionView<K, V> implements ReadOnlySessionStore<K, V> {
  readonly #view: TimedView<K, V>

  constructor(store: BufferedSessionStore<K, V>, isolation: Isolation) {
    this.#view = new TimedView(store.entries, isolation)
  }

  fetchSession(key: K, { startMs, endMs }: TimeWindow): V | undefined {
    return this.#view.get(key, endMs, startMs)
  }

  findSessions(key: K, span: SessionSpan): Rows<K, V> {
    return asynchronous(this.#ofKey(key, span))
  }

  backwardFindSessions(key: K, span: SessionSpan): Rows<K, V> {
    return asynchronous(this.#ofKey(key, span).reverse())
  }

  findSessionsRange(keys: KeyRange<K>, span: SessionSpan): Rows<K, V> {
    return this.#scan(keys, span, false)
  }

  backwardFindSessionsRange(keys: KeyRange<K>, span: SessionSpan): Rows<K, V> {
    return this.#scan(keys, span, true)
  }

  fetch(key: K): Rows<K, V> {
    return this.findSessions(key, EVER)
  }

  backwardFetch(key: K): Rows<K, V> {
    return this.backwardFindSessions(key, EVER)
  }

  fetchRange(keys: KeyRange<K>): Rows<K, V> {
    return this.findSessionsRange(keys, EVER)
  }

  backwardFetchRange(keys: KeyRange<K>): Rows<K, V> {
    return this.backwardFindSessionsRange(keys, EVER)
  }

  #ofKey(key: K, { earliestEndMs, latestStartMs }: SessionSpan): (readonly [Windowed<K>, V])[] {
    return this.#view.rowsOfKey(key, earliestEndMs, Infinity, latestStartMs, row<K, V>)
  }

  #scan(keys: KeyRange<K>, { earliestEndMs, latestStartMs }: SessionSpan, reverse: boolean): Rows<K, V> {
    const bounds = { keys, fromTime: earliestEndMs, toTime: Infinity, suffixMax: latestStartMs, reverse }
    return this.#view.scan(bounds, row<K, V>)
  }
}

function row<K, V>(key: K, endMs: number, startMs: number, value: V): readonly [Windowed<K>, V] {
  return [{ key, window: { startMs, endMs } }, value]
}

async function* asynchronous<R>(rows: readonly R[]): AsyncGenerator<R> {
  yield* rows
}
