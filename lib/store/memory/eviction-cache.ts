import type { Counter } from '../../common/metrics/meter.ts'
import type { Entry } from './entry.ts'

/**
 * Decides which entries of a store stay in memory. Pinned ones do. Clean ones share `cleanBytesMax`, which
 * may change at any time, and leave by the CLOCK rule: the hand passes entries used since it last passed
 * them. How entries are found is the subclass's.
 */
export abstract class EvictionCache<E extends Entry> {
  readonly #cleanBytesMax: () => number
  readonly #evictions: Counter
  #hand: IterableIterator<E> | undefined
  #cleanBytes = 0
  #pinnedBytes = 0

  constructor(cleanBytesMax: () => number, evictions: Counter) {
    this.#cleanBytesMax = cleanBytesMax
    this.#evictions = evictions
  }

  abstract get size(): number

  get cleanBytes(): number {
    return this.#cleanBytes
  }

  /** Bytes of entries that are not all in the engine yet. */
  get pinnedBytes(): number {
    return this.#pinnedBytes
  }

  get overfull(): boolean {
    return this.#cleanBytes > this.#cleanBytesMax()
  }

  resize(entry: E, valueBytes: number): number {
    const grown = entry.sizeWith(valueBytes) - entry.size
    if (grown === 0) return 0
    entry.size += grown
    if (entry.isPinned) this.#pinnedBytes += grown
    else this.#cleanBytes += grown
    return grown
  }

  pin(entry: E): void {
    if (!entry.isPinned) {
      this.#cleanBytes -= entry.size
      this.#pinnedBytes += entry.size
    }
    entry.pin()
  }

  unpin(entry: E): void {
    entry.unpin()
    if (entry.isPinned) return
    this.#pinnedBytes -= entry.size
    this.#cleanBytes += entry.size
  }

  /**
   * Evicts clean entries until an eighth of the budget is free: in strides, since the hand must step over
   * pinned ones.
   */
  trim(): void {
    const cleanBytesMax = this.#cleanBytesMax()
    const goal = cleanBytesMax - cleanBytesMax / 8
    // Two rounds are needed: the first may do no more than take away every entry's second chance.
    let steps = 2 * this.size
    while (this.#cleanBytes > goal && steps > 0) {
      this.#hand ??= this.entries()
      const next = this.#hand.next()
      if (next.done) this.#hand = this.entries()
      else this.#pass(next.value)
      steps -= 1
    }
  }

  /** Entries that are not all in the engine yet. */
  *pinned(): Generator<E> {
    for (const entry of this.entries()) if (entry.isPinned) yield entry
  }

  clear(): void {
    this.#hand = undefined
    this.#cleanBytes = 0
    this.#pinnedBytes = 0
  }

  /** The members, in the order in which they came. Entries may come or go during the iteration. */
  protected abstract entries(): IterableIterator<E>

  /** Called when the entry leaves memory. */
  protected abstract forget(entry: E): void

  /** Moves the hand back to the beginning. */
  protected rewind(): void {
    this.#hand = undefined
  }

  /** Counts a clean entry that has come. */
  protected entered(entry: E): void {
    this.#cleanBytes += entry.size
  }

  /** Counts a clean entry that has left. */
  protected left(entry: E): void {
    this.#cleanBytes -= entry.size
  }

  #pass(entry: E): void {
    if (entry.isPinned) return
    if (entry.touched) {
      entry.touched = false
      return
    }
    this.forget(entry)
    this.#cleanBytes -= entry.size
    this.#evictions.value += 1
  }
}
