import type { RecordContext } from '../../common/record-context.ts'
import type { Entry, ValueState } from './entry.ts'
import type { ClockCache } from './clock-cache.ts'

/**
 * Changes that a cache holds back, at most one a key, in the order in which each was last written: `NamedCache` of the JVM original takes
 * a key out of its dirty keys and adds it again at every put. Bounded by `cacheBytesMax`: the store flushes when it is passed, as
 * there the eviction of one dirty entry flushes all of them.
 */
export class HeldChanges<E extends Entry = Entry> {
  readonly #cache: ClockCache<E>
  readonly #budget: { readonly cacheBytesMax: number }
  #entries = new Set<E>()
  #newest: E | undefined
  #bytes = 0

  constructor(cache: ClockCache<E>, budget: { readonly cacheBytesMax: number }) {
    this.#cache = cache
    this.#budget = budget
  }

  get size(): number {
    return this.#entries.size
  }

  get overfull(): boolean {
    return this.#bytes > this.#budget.cacheBytesMax
  }

  /** The entry has changed. `before` is what it was, and only used for a first change. */
  hold(entry: E, before: ValueState, context: RecordContext): void {
    if (entry.held === undefined) {
      entry.held = { entry, before, context }
      this.#cache.pin(entry)
      this.#bytes += entry.size
      this.#entries.add(entry)
    } else {
      entry.held.context = context
      // Where the entry is not in the set, a flush is under way and will come to it: its listener wrote to this store.
      if (entry !== this.#newest && this.#entries.delete(entry)) this.#entries.add(entry)
    }
    this.#newest = entry
  }

  resized(grownBytes: number): void {
    this.#bytes += grownBytes
  }

  /** What is held, to be released one by one. Changes made meanwhile are held anew. */
  take(): Set<E> {
    const entries = this.#entries
    this.#entries = new Set()
    this.#newest = undefined
    return entries
  }

  /** The caller has dealt with the change and, where need be, pinned the entry for what comes next. */
  release(entry: E): void {
    entry.held = undefined
    this.#bytes -= entry.size
    this.#cache.unpin(entry)
  }

  clear(): void {
    this.#entries.clear()
    this.#newest = undefined
    this.#bytes = 0
  }
}
