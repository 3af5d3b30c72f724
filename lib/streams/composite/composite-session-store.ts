import type { FanOut } from './fan-out.ts'
import type { TimeWindow, Windowed } from '../../common/windowed.ts'
import type { ReadOnlySessionStore, SessionSpan } from '../../store/contract/session-store.ts'
import type { KeyRange } from '../../store/contract/window-store.ts'

type View<K, V> = ReadOnlySessionStore<K, V>
type Rows<K, V> = AsyncIterable<readonly [Windowed<K>, V]>

/** One session store over all its tasks of this instance, like `CompositeStore`. */
export class CompositeSessionStore<K, V> implements ReadOnlySessionStore<K, V> {
  readonly #fanOut: FanOut<View<K, V>, K>

  constructor(fanOut: FanOut<View<K, V>, K>) {
    this.#fanOut = fanOut
  }

  fetchSession(key: K, session: TimeWindow): V | undefined {
    return this.#fanOut.first(key, part => part.fetchSession(key, session))
  }

  findSessions(key: K, span: SessionSpan): Rows<K, V> {
    return this.#fanOut.ofKey(key, part => part.findSessions(key, span))
  }

  backwardFindSessions(key: K, span: SessionSpan): Rows<K, V> {
    return this.#fanOut.ofKey(key, part => part.backwardFindSessions(key, span))
  }

  findSessionsRange(keys: KeyRange<K>, span: SessionSpan): Rows<K, V> {
    return this.#fanOut.each(part => part.findSessionsRange(keys, span))
  }

  backwardFindSessionsRange(keys: KeyRange<K>, span: SessionSpan): Rows<K, V> {
    return this.#fanOut.each(part => part.backwardFindSessionsRange(keys, span))
  }

  fetch(key: K): Rows<K, V> {
    return this.#fanOut.ofKey(key, part => part.fetch(key))
  }

  backwardFetch(key: K): Rows<K, V> {
    return this.#fanOut.ofKey(key, part => part.backwardFetch(key))
  }

  fetchRange(keys: KeyRange<K>): Rows<K, V> {
    return this.#fanOut.each(part => part.fetchRange(keys))
  }

  backwardFetchRange(keys: KeyRange<K>): Rows<K, V> {
    return this.#fanOut.each(part => part.backwardFetchRange(keys))
  }
}
