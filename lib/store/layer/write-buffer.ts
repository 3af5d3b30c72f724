import { assert } from '../../common/assert.ts'
import type { EngineWrite } from '../engine/engine.ts'
import { SealedWrite, type Entry, type RowMaker } from './entry.ts'
import type { ClockCache } from './clock-cache.ts'

/**
 * The writes of a store that are not in the engine yet, in the stages of a commit:
 *
 * *dirty* (of the open epoch) → `seal` → *sealed* (its changelog records are sent) → `stage` → *staged* (in a batch) → `staged` → in the engine.
 *
 * Writing goes on while a commit is under way: an entry may be staged with one value and dirty with the next. Reads need none of
 * these lists: the entry itself has the newest value, and is pinned in the cache until it has passed through all of them.
 */
export class WriteBuffer<E extends Entry = Entry> {
  readonly #cache: ClockCache<E>
  readonly #rows: RowMaker<E>
  #dirty: E[] = []
  #sealed: SealedWrite<E>[] = []
  /** Batches under way, oldest first. */
  readonly #staged: SealedWrite<E>[][] = []

  constructor(cache: ClockCache<E>, rows: RowMaker<E>) {
    this.#cache = cache
    this.#rows = rows
  }

  /** The entry has a new value that the engine lacks. */
  mark(entry: E): void {
    if (entry.dirty) return
    entry.dirty = true
    this.#cache.pin(entry)
    this.#dirty.push(entry)
  }

  /** Ends the epoch: calls for each dirty entry, in the order in which they became dirty. `write` is to end in `sealEntry`. */
  seal(write: (entry: E) => void): void {
    const dirty = this.#dirty
    this.#dirty = []
    for (const entry of dirty) {
      entry.dirty = false
      write(entry)
      this.#cache.unpin(entry)
    }
  }

  /**
   * The present value goes to the engine with the next batch, in place of an earlier one that waits for the same batch. `changelogValue`: where the
   * caller has made it of a primitive, which need not be done twice.
   */
  sealEntry(entry: E, changelogValue?: Uint8Array): void {
    if (entry.sealed !== undefined) {
      entry.sealed.renew(changelogValue)
      return
    }
    const sealed = new SealedWrite(entry, this.#rows, changelogValue)
    entry.sealed = sealed
    this.#cache.pin(entry)
    this.#sealed.push(sealed)
  }

  /** Whether there was anything to stage. */
  stage(batch: EngineWrite[]): boolean {
    const sealed = this.#sealed
    this.#sealed = []
    this.#staged.push(sealed)
    for (const write of sealed) {
      write.entry.sealed = undefined
      batch.push(write)
    }
    return sealed.length > 0
  }

  /** The oldest batch is in the engine. */
  staged(): void {
    const writes = this.#staged.shift()
    assert(writes !== undefined, 'staged() was called without a stage() before it')
    for (const write of writes) this.#cache.unpin(write.entry)
  }

  clear(): void {
    this.#dirty = []
    this.#sealed = []
    this.#staged.length = 0
  }
}
