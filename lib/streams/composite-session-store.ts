import { storeNotAvailable, type OnMissing } from './composite-store.ts'
import type { TimeWindow, Windowed } from '../common/windowed.ts'
import type { ReadOnlySessionStore, SessionSpan } from '../store/contract/session-store.ts'
import type { KeyRange } from '../store/contract/window-store.ts'

type View<K, V> = ReadOnlySessionStore<K, V>
type Rows<K, V> = AsyncIterable<readonly [Windowed<K>, V]>

/** One session store over all its tasks of this instance, as `CompositeStore`. */
export class CompositeSessionStore<K, V> implements ReadOnlySessionStore<K, V> {
  readonly #name: string
  readonly #parts: () => readonly View<K, V>[]
  readonly #onMissing: OnMissing<K>

  constructor(name: string, parts: () => readonly View<K, V>[], onMissing: OnMissing<K>) {
    this.#name = name
    this.#parts = parts
    this.#onMissing = onMissing
  }

  fetchSession(key: K, session: TimeWindow): V | undefined {
    for (const part of this.#partsOrThrow()) {
      const value = part.fetchSession(key, session)
      if (value !== undefined) return value
    }
    this.#onMissing(key)
    return undefined
  }

  findSessions(key: K, span: SessionSpan): Rows<K, V> {
    return this.#ofKey(key, part => part.findSessions(key, span))
  }

  backwardFindSessions(key: K, span: SessionSpan): Rows<K, V> {
    return this.#ofKey(key, part => part.backwardFindSessions(key, span))
  }

  findSessionsRange(keys: KeyRange<K>, span: SessionSpan): Rows<K, V> {
    return this.#each(part => part.findSessionsRange(keys, span))
  }

  backwardFindSessionsRange(keys: KeyRange<K>, span: SessionSpan): Rows<K, V> {
    return this.#each(part => part.backwardFindSessionsRange(keys, span))
  }

  fetch(key: K): Rows<K, V> {
    return this.#ofKey(key, part => part.fetch(key))
  }

  backwardFetch(key: K): Rows<K, V> {
    return this.#ofKey(key, part => part.backwardFetch(key))
  }

  fetchRange(keys: KeyRange<K>): Rows<K, V> {
    return this.#each(part => part.fetchRange(keys))
  }

  backwardFetchRange(keys: KeyRange<K>): Rows<K, V> {
    return this.#each(part => part.backwardFetchRange(keys))
  }

  async *#ofKey(key: K, read: (part: View<K, V>) => Rows<K, V>): AsyncGenerator<readonly [Windowed<K>, V]> {
    let isFound = false
    for await (const row of this.#each(read)) {
      isFound = true
      yield row
    }
    if (!isFound) this.#onMissing(key)
  }

  async *#each(read: (part: View<K, V>) => Rows<K, V>): AsyncGenerator<readonly [Windowed<K>, V]> {
    for (const part of this.#partsOrThrow()) yield* read(part)
  }

  #partsOrThrow(): readonly View<K, V>[] {
    const parts = this.#parts()
    if (parts.length > 0) return parts
    throw storeNotAvailable(this.#name)
  }
}
