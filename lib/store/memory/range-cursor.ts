import type { ValueState } from '../format/value-state.ts'
import type { KeySnapshot } from './key-index.ts'

/** What a cursor needs from its store. */
export interface CursorSource<K, V> {
  keyOf(id: string): K
  valueOf(state: ValueState): V | undefined
  /** The present state of a key, without bringing it into the cache. */
  stateOf(id: string): ValueState
}

/** Iterates over keys and values as they were when the cursor was made. */
export class RangeCursor<K, V> implements IterableIterator<readonly [K, V]> {
  readonly #snapshot: KeySnapshot
  readonly #source: CursorSource<K, V>

  constructor(snapshot: KeySnapshot, source: CursorSource<K, V>) {
    this.#snapshot = snapshot
    this.#source = source
  }

  next(): IteratorResult<readonly [K, V], undefined> {
    for (;;) {
      const id = this.#snapshot.next()
      if (id === undefined) return { done: true, value: undefined }
      const state = this.#snapshot.savedState(id) ?? this.#source.stateOf(id)
      const value = this.#source.valueOf(state)
      if (value !== undefined) return { done: false, value: [this.#source.keyOf(id), value] }
    }
  }

  return(): IteratorResult<readonly [K, V], undefined> {
    this.#snapshot.close()
    return { done: true, value: undefined }
  }

  [Symbol.iterator](): this {
    return this
  }
}
