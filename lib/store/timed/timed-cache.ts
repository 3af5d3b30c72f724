import type { Counter } from '../../common/metrics.ts'
import { ClockCache } from '../layer/clock-cache.ts'
import type { TimedEntry } from './timed-entry.ts'
import type { TimeIndex } from './time-index.ts'

/** The entries in memory of a window or session store. They are found by the index, of which each is a part. */
export class TimedCache extends ClockCache<TimedEntry> {
  readonly #entries = new Set<TimedEntry>()
  readonly #index: TimeIndex

  constructor(index: TimeIndex, cleanBytesMax: () => number, evictions: Counter) {
    super(cleanBytesMax, evictions)
    this.#index = index
  }

  override get size(): number {
    return this.#entries.size
  }

  add(entry: TimedEntry): void {
    this.#entries.add(entry)
    this.entered(entry)
  }

  /** The index has let go of the entry; it stays as long as a commit needs it. */
  expire(entry: TimedEntry): void {
    entry.expired = true
    if (!entry.isPinned) this.#discard(entry)
  }

  /** An absent entry keeps its place in the index while the engine may still have a value for it: readers of what is committed find it there. */
  override unpin(entry: TimedEntry): void {
    super.unpin(entry)
    if (entry.isPinned) return
    if (entry.expired) this.#discard(entry)
    else if (entry.state === 'absent') {
      this.#discard(entry)
      this.#index.remove(entry.key, entry.key.find(entry.time, entry.minor))
    }
  }

  override clear(): void {
    super.clear()
    this.#entries.clear()
  }

  protected override entries(): IterableIterator<TimedEntry> {
    return this.#entries.values()
  }

  protected override forget(entry: TimedEntry): void {
    this.#entries.delete(entry)
    this.#index.evict(entry)
  }

  #discard(entry: TimedEntry): void {
    this.#entries.delete(entry)
    this.left(entry)
  }
}
