import { assert } from '../../common/assert.ts'
import { WriteBatch } from '../engine/write-batch.ts'
import type { Entry, KeyEntry } from './entry.ts'
import type { EvictionCache } from './eviction-cache.ts'
import { prefetchEntries } from './prefetch.ts'

interface Staged<E> {
  readonly entries: readonly E[]
  readonly bytes: number
}

/**
 * The writes of a store that are not in the engine yet, in the stages of a commit:
 *
 * *dirty* (of the open epoch) → `seal` → *sealed* (its changelog records are sent) → `stage` → *staged* (in a
 * batch) → `staged` → in the engine.
 *
 * Writing goes on while a commit is under way: an entry may be staged with one value and dirty with the next.
 * Reads need none of these lists: the entry itself has the newest value, and is pinned in the cache until it
 * has passed through all of them.
 */
export class WriteBuffer<E extends Entry = KeyEntry> {
  readonly #cache: EvictionCache<E>
  #dirty: E[] = []
  #sealed: E[] = []
  /** Rows of the sealed entries, as they were when sealed: an entry may have its next value already. */
  readonly #rows = new WriteBatch()
  /** Batches on their way into the engine, oldest first. */
  readonly #staged: Staged<E>[] = []
  #stagedBytes = 0

  constructor(cache: EvictionCache<E>) {
    this.#cache = cache
  }

  /** Bytes of rows that are not in the engine yet. */
  get byteLength(): number {
    return this.#rows.byteLength + this.#stagedBytes
  }

  /** Notes that the entry has a new value, which the engine lacks. */
  mark(entry: E): void {
    if (entry.dirty) return
    entry.dirty = true
    this.#cache.pin(entry)
    this.#dirty.push(entry)
  }

  /**
   * Ends the epoch: calls `write` for each dirty entry, in the order in which they became dirty. `write` is
   * to end in `sealRow`.
   */
  seal(write: (entry: E) => void): void {
    const dirty = this.#dirty
    this.#dirty = []
    for (let index = 0; index < dirty.length; index += 1) {
      prefetchEntries(dirty, index)
      const entry = dirty[index]!
      entry.dirty = false
      write(entry)
      this.#cache.unpin(entry)
    }
  }

  /** Adds this row of the entry to the next batch. The bytes are copied; null deletes. */
  sealRow(entry: E, key: Uint8Array, value: Uint8Array | null): void {
    this.#rows.put(key, value)
    this.#cache.pin(entry)
    this.#sealed.push(entry)
  }

  /** Returns whether there was anything to stage. */
  stage(batch: WriteBatch): boolean {
    const staged = { entries: this.#sealed, bytes: this.#rows.byteLength }
    this.#sealed = []
    this.#staged.push(staged)
    this.#stagedBytes += staged.bytes
    batch.takeFrom(this.#rows)
    return staged.entries.length > 0
  }

  /** The oldest batch is in the engine. */
  staged(): void {
    const staged = this.#staged.shift()
    assert(staged !== undefined, 'staged() was called without a stage() before it')
    this.#stagedBytes -= staged.bytes
    const { entries } = staged
    for (let index = 0; index < entries.length; index += 1) {
      prefetchEntries(entries, index)
      this.#cache.unpin(entries[index]!)
    }
  }

  clear(): void {
    this.#dirty = []
    this.#sealed = []
    this.#rows.clear()
    this.#staged.length = 0
    this.#stagedBytes = 0
  }
}
