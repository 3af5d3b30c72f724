import { bytesToMapKey } from '../../common/bytes.ts'
import type { Engine } from '../engine/engine.ts'
import type { KeyCodec } from '../format/key-codec.ts'
import type { EntryState } from '../format/value-state.ts'
import type { EntryCount } from '../memory/entry-count.ts'
import type { EntryPlaces } from '../memory/entry-store.ts'
import type { KeyEntry } from '../memory/entry.ts'
import type { KeyIndex } from '../memory/key-index.ts'
import type { RestoredWrites } from '../memory/restored-writes.ts'
import type { TypedCache } from '../memory/typed-cache.ts'

export interface KeyPlacesOptions<K> {
  readonly engine: Engine
  readonly keys: KeyCodec<K>
  readonly cache: TypedCache
  readonly restored: RestoredWrites
  /** Index of the keys; undefined without ranges, where `count` counts them. */
  readonly index: KeyIndex | undefined
  readonly count: EntryCount
}

/** Places of entries by key. Keeps keys in order, or counts them. */
export class KeyPlaces<K> implements EntryPlaces<KeyEntry, K> {
  readonly #engine: Engine
  readonly #keys: KeyCodec<K>
  readonly #cache: TypedCache
  readonly #restored: RestoredWrites
  readonly #index: KeyIndex | undefined
  readonly #count: EntryCount

  constructor({ engine, keys, cache, restored, index, count }: KeyPlacesOptions<K>) {
    this.#engine = engine
    this.#keys = keys
    this.#cache = cache
    this.#restored = restored
    this.#index = index
    this.#count = count
  }

  get watched(): boolean {
    return this.#index !== undefined && this.#index.watched
  }

  engineKey(entry: KeyEntry): Uint8Array {
    return this.#keys.lookUpKey(entry.id)
  }

  changelogKey(entry: KeyEntry): Uint8Array {
    return this.#keys.changelogKey(entry.id)
  }

  placeOf(entry: KeyEntry): K {
    return this.#keys.keyOf(entry.id, entry.alias)
  }

  rowBelow({ id }: KeyEntry): Uint8Array | undefined {
    return this.#index && !this.#index.has(id) ? undefined : this.rowOf(id)
  }

  /** The row (`rowBelow`), whether or not the index has the key. */
  rowOf(id: string): Uint8Array | undefined {
    if (this.#cache.hasAll) return undefined
    const row = this.#restored.find(id)
    return row === undefined ? this.#engine.get(this.#keys.lookUpKey(id)) : (row ?? undefined)
  }

  save(entry: KeyEntry): void {
    this.#index?.save(entry.id, entry)
  }

  changed(entry: KeyEntry, before: EntryState): void {
    const isThere = entry.state !== 'absent'
    if (before !== 'unread' && isThere === (before !== 'absent')) return
    if (this.#index) {
      if (isThere) this.#index.add(entry.id)
      else this.#index.delete(entry.id)
      return
    }
    const weight = before === 'unread' ? this.#count.blindWriteWeight() : 1
    if (weight === 0) return
    const wasThere = before === 'unread' ? this.rowOf(entry.id) !== undefined : before !== 'absent'
    this.#count.changed(weight * (Number(isThere) - Number(wasThere)))
  }

  /**
   * Counts a key that a restore writes past its entry, from its place in `bytes`. Not called with an index.
   */
  countRestored(bytes: Uint8Array, keyStart: number, keyEnd: number, isThere: boolean): void {
    const weight = this.#count.restoredWeight(bytes, keyStart, keyEnd)
    if (weight === 0) return
    const id = bytesToMapKey(bytes.subarray(keyStart, keyEnd))
    const wasThere =
      this.#restored.sample(id, isThere) ?? this.#engine.get(this.#keys.lookUpKey(id)) !== undefined
    this.#count.changed(weight * (Number(isThere) - Number(wasThere)))
  }
}
