import type { TimeWindow, Windowed } from '../../common/windowed.ts'
import type { CachedStore } from './key-value-store.ts'
import type { StateStore } from './state-store.ts'
import type { ExpiringStore, KeyRange } from './window-store.ts'

/**
 * Sessions that overlap a span: they end at or after `earliestEndMs` and start at or before `latestStartMs`.
 */
export interface SessionSpan {
  readonly earliestEndMs: number
  readonly latestStartMs: number
}

/**
 * Reads of a session store in the record path. Sessions whose end retention has passed are not found. An
 * iterator shows the moment of the call.
 */
export interface SessionStoreReads<K, V> {
  /** The value of exactly this session. */
  fetchSession(key: K, session: TimeWindow): V | undefined
  /** A key's sessions that overlap the span, earliest end first. */
  findSessions(key: K, span: SessionSpan): IterableIterator<readonly [Windowed<K>, V]>
  backwardFindSessions(key: K, span: SessionSpan): IterableIterator<readonly [Windowed<K>, V]>
  findSessionsRange(keys: KeyRange<K>, span: SessionSpan): IterableIterator<readonly [Windowed<K>, V]>
  backwardFindSessionsRange(keys: KeyRange<K>, span: SessionSpan): IterableIterator<readonly [Windowed<K>, V]>
  /**
   * Sessions of all keys that end in the range, both bounds included, in the order of end, then key: what has
   * closed (KIP-825).
   */
  findSessionsByEnd(ends: {
    readonly fromMs: number
    readonly toMs: number
  }): IterableIterator<readonly [Windowed<K>, V]>
  /** All sessions of a key. */
  fetch(key: K): IterableIterator<readonly [Windowed<K>, V]>
  backwardFetch(key: K): IterableIterator<readonly [Windowed<K>, V]>
  fetchRange(keys: KeyRange<K>): IterableIterator<readonly [Windowed<K>, V]>
  backwardFetchRange(keys: KeyRange<K>): IterableIterator<readonly [Windowed<K>, V]>
}

/** A store of aggregates by key and session. */
export interface SessionStore<K, V>
  extends StateStore, SessionStoreReads<K, V>, CachedStore<Windowed<K>, V>, ExpiringStore {
  /**
   * Puts a value; `null` deletes. A session that retention has ended already is not put, and counted as
   * `dropped-records-total`.
   */
  put(session: Windowed<K>, value: V | null): void
  remove(session: Windowed<K>): void
  readonly retentionMs: number
}

/**
 * Reads from outside the record path, in the same orders. One session is answered at once; ranges cannot
 * (Level iterates asynchronously).
 */
export interface ReadOnlySessionStore<K, V> {
  fetchSession(key: K, session: TimeWindow): V | undefined
  findSessions(key: K, span: SessionSpan): AsyncIterable<readonly [Windowed<K>, V]>
  backwardFindSessions(key: K, span: SessionSpan): AsyncIterable<readonly [Windowed<K>, V]>
  findSessionsRange(keys: KeyRange<K>, span: SessionSpan): AsyncIterable<readonly [Windowed<K>, V]>
  backwardFindSessionsRange(keys: KeyRange<K>, span: SessionSpan): AsyncIterable<readonly [Windowed<K>, V]>
  fetch(key: K): AsyncIterable<readonly [Windowed<K>, V]>
  backwardFetch(key: K): AsyncIterable<readonly [Windowed<K>, V]>
  fetchRange(keys: KeyRange<K>): AsyncIterable<readonly [Windowed<K>, V]>
  backwardFetchRange(keys: KeyRange<K>): AsyncIterable<readonly [Windowed<K>, V]>
}
