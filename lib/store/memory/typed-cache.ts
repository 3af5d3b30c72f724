import type { KeyInBuffer } from '../../common/record-context.ts'
import type { KeyTexts } from '../contract/prefetching-store.ts'
import { EvictionCache } from './eviction-cache.ts'
import { KeyEntry } from './entry.ts'
import { KeyTable } from './key-table.ts'

/**
 * The entries of a store that are in memory, by their serialised key, and by the key itself where that is a
 * primitive: a hot string key costs one look-up and no serde. Whatever a key serde does, one serialised key
 * has one entry; the second map only leads there faster.
 */
export class TypedCache extends EvictionCache<KeyEntry> {
  readonly #byId = new Map<string, KeyEntry>()
  readonly #byKey = new KeyTable<KeyEntry>()
  // The last key that was found: every aggregate calls `get` and then `put` with one key.
  #lastKey: unknown = undefined
  #lastEntry: KeyEntry | undefined = undefined
  /**
   * Whether every key that the store has is here: it began empty, and nothing has been evicted. Then the
   * engine has nothing of other keys.
   */
  hasAll = false

  override get size(): number {
    return this.#byId.size
  }

  /** Finds an entry by the key as user code has it; undefined says nothing about the store. */
  find(key: unknown): KeyEntry | undefined {
    if (key === this.#lastKey && this.#lastEntry !== undefined) return this.#lastEntry
    if (typeof key === 'object' || key === 0) return undefined
    const entry = this.#byKey.get(key)
    if (entry === undefined) return undefined
    this.#lastKey = key
    this.#lastEntry = entry
    return entry
  }

  peek(id: string): KeyEntry | undefined {
    return this.#byId.get(id)
  }

  /** The entry of a serialised key, made where it is missing; from then on found by `key` too. */
  enter(id: string, key: unknown): KeyEntry {
    let entry = this.#byId.get(id)
    if (entry === undefined) {
      entry = new KeyEntry(id)
      this.#byId.set(id, entry)
      this.entered(entry)
    }
    // 0 and -0 are one key to a Map, and two to a serde of floats.
    if (key !== undefined && typeof key !== 'object' && key !== 0 && entry.alias === undefined) {
      // The alias is a text of its own, not a share in a longer string that the user's key was cut from.
      entry.alias = key === id ? id : key
      this.#byKey.add(entry)
    }
    return entry
  }

  /** Looks up the group of keys that begins at `start`, ahead of their use. Returns how many are here. */
  prefetch(keys: readonly KeyInBuffer[], start: number, texts: KeyTexts): number {
    return this.#byKey.prefetch(keys, start, texts)
  }

  override trim(): void {
    super.trim()
    this.#lastKey = undefined
    this.#lastEntry = undefined
  }

  override clear(): void {
    super.clear()
    this.#byId.clear()
    this.#byKey.clear()
    this.#lastKey = undefined
    this.#lastEntry = undefined
    this.hasAll = false
  }

  protected override entries(): IterableIterator<KeyEntry> {
    return this.#byId.values()
  }

  protected override forget(entry: KeyEntry): void {
    this.hasAll = false
    this.#byId.delete(entry.id)
    if (entry.alias !== undefined) this.#byKey.delete(entry)
  }
}
