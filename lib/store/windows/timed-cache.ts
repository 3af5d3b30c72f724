import type { Counter } from '../../common/metrics/meter.ts'
import { EvictionCache } from '../memory/eviction-cache.ts'
import type { TimedEntry } from './timed-entry.ts'
import type { TimeIndex } from './time-index.ts'

const GAPS_MIN = 1024

/**
 * The entries in memory of a window or session store. They are found by the index, of which each is a part;
 * the list is for going through them. (A set hashes each entry, and is laid out anew when it grows.)
 */
export class TimedCache extends EvictionCache<TimedEntry> {
  /** Entries in the order in which they came, some that have left included. */
  #list: TimedEntry[] = []
  #size = 0
  readonly #index: TimeIndex

  constructor(index: TimeIndex, cleanBytesMax: () => number, evictions: Counter) {
    super(cleanBytesMax, evictions)
    this.#index = index
  }

  override get size(): number {
    return this.#size
  }

  add(entry: TimedEntry): void {
    entry.listed = true
    this.#list.push(entry)
    this.#size += 1
    this.entered(entry)
  }

  /** Notes that the index has let go of the entry, which stays as long as a commit needs it. */
  expire(entry: TimedEntry): void {
    entry.expired = true
    if (!entry.isPinned) this.#discard(entry)
  }

  /**
   * Unpins an entry. An absent one keeps its place in the index while the engine may still have a value for
   * it: readers of what is committed find it there.
   */
  override unpin(entry: TimedEntry): void {
    super.unpin(entry)
    if (entry.isPinned) return
    if (entry.expired) this.#discard(entry)
    else if (entry.state === 'absent') {
      this.#discard(entry)
      this.#index.remove(entry.key, entry.key.find(entry.time, entry.suffix))
    }
  }

  override clear(): void {
    super.clear()
    this.#list = []
    this.#size = 0
  }

  protected override *entries(): Generator<TimedEntry> {
    for (const entry of this.#list) if (entry.listed) yield entry
  }

  protected override forget(entry: TimedEntry): void {
    this.#unlist(entry)
    this.#index.evict(entry)
  }

  #discard(entry: TimedEntry): void {
    this.#unlist(entry)
    this.left(entry)
  }

  #unlist(entry: TimedEntry): void {
    entry.listed = false
    this.#size -= 1
    const gaps = this.#list.length - this.#size
    if (gaps < GAPS_MIN || gaps < this.#size) return
    this.#list = this.#list.filter(({ listed }) => listed)
    this.rewind()
  }
}
