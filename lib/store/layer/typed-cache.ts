import type { Counter } from '../../common/metrics.ts'
import { Entry } from './entry.ts'

/**
 * The entries of a store that are in memory, by their serialised key, and by the key itself where that is a primitive: a hot
 * string key costs one look-up and no serde. Whatever a key serde does, one serialised key has one entry; the second map
 * only leads there faster.
 *
 * Pinned entries stay. Clean ones share `cleanBytesMax`, which may change at any time, and leave by the CLOCK rule: the hand passes entries used since it last came by.
 */
export class TypedCache {
  readonly #byId = new Map<string, Entry>()
  readonly #byKey = new Map<unknown, Entry>()
  readonly #cleanBytesMax: () => number
  readonly #evictions: Counter
  #hand: IterableIterator<Entry> = this.#byId.values()
  // `get` and then `put` of one key is what every aggregate does.
  #lastKey: unknown = undefined
  #lastEntry: Entry | undefined = undefined
  #cleanBytes = 0
  #pinnedBytes = 0

  constructor(cleanBytesMax: () => number, evictions: Counter) {
    this.#cleanBytesMax = cleanBytesMax
    this.#evictions = evictions
  }

  get cleanBytes(): number {
    return this.#cleanBytes
  }

  get size(): number {
    return this.#byId.size
  }

  /** Of entries that are not all in the engine yet. */
  get pinnedBytes(): number {
    return this.#pinnedBytes
  }

  get overfull(): boolean {
    return this.#cleanBytes > this.#cleanBytesMax()
  }

  /** By the key as user code has it; undefined says nothing about the store. */
  find(key: unknown): Entry | undefined {
    if (key === this.#lastKey && this.#lastEntry !== undefined) return this.#lastEntry
    if (typeof key === 'object' || key === 0) return undefined
    const entry = this.#byKey.get(key)
    if (entry === undefined) return undefined
    this.#lastKey = key
    this.#lastEntry = entry
    return entry
  }

  peek(id: string): Entry | undefined {
    return this.#byId.get(id)
  }

  /** The entry of a serialised key, made where it is missing; from then on found by `key` too. */
  enter(id: string, key: unknown): Entry {
    let entry = this.#byId.get(id)
    if (entry === undefined) {
      entry = new Entry(id)
      this.#byId.set(id, entry)
      this.#cleanBytes += entry.size
    }
    // 0 and -0 are one key to a Map, and two to a serde of floats.
    if (key !== undefined && typeof key !== 'object' && key !== 0 && entry.alias === undefined) {
      // The same text without a share in whatever longer string the user's key was cut from.
      entry.alias = key === id ? id : key
      this.#byKey.set(entry.alias, entry)
    }
    return entry
  }

  resize(entry: Entry, valueBytes: number): number {
    const grown = entry.sizeWith(valueBytes) - entry.size
    if (grown === 0) return 0
    entry.size += grown
    if (entry.pins > 0) this.#pinnedBytes += grown
    else this.#cleanBytes += grown
    return grown
  }

  pin(entry: Entry): void {
    if (entry.pins === 0) {
      this.#cleanBytes -= entry.size
      this.#pinnedBytes += entry.size
    }
    entry.pins += 1
  }

  unpin(entry: Entry): void {
    entry.pins -= 1
    if (entry.pins > 0) return
    this.#pinnedBytes -= entry.size
    this.#cleanBytes += entry.size
  }

  /** Evicts clean entries until an eighth of the budget is free: in strides, since the hand must step over pinned ones. */
  trim(): void {
    const cleanBytesMax = this.#cleanBytesMax()
    const goal = cleanBytesMax - cleanBytesMax / 8
    // Two rounds: the first may do no more than take away every entry's second chance.
    let steps = 2 * this.#byId.size
    while (this.#cleanBytes > goal && steps > 0) {
      const next = this.#hand.next()
      if (next.done) this.#hand = this.#byId.values()
      else this.#pass(next.value)
      steps -= 1
    }
    this.#lastKey = undefined
    this.#lastEntry = undefined
  }

  /** Entries that are not all in the engine yet. */
  *pinned(): Generator<Entry> {
    for (const entry of this.#byId.values()) if (entry.pins > 0) yield entry
  }

  clear(): void {
    this.#byId.clear()
    this.#byKey.clear()
    this.#lastKey = undefined
    this.#lastEntry = undefined
    this.#cleanBytes = 0
    this.#pinnedBytes = 0
  }

  #pass(entry: Entry): void {
    if (entry.pins > 0) return
    if (entry.touched) {
      entry.touched = false
      return
    }
    this.#byId.delete(entry.id)
    if (entry.alias !== undefined) this.#byKey.delete(entry.alias)
    this.#cleanBytes -= entry.size
    this.#evictions.value += 1
  }
}
