import { KeyTable } from '../memory/key-table.ts'
import { sortedMap } from '../../common/sorted-map.ts'
import type { KeyInBuffer } from '../../common/record-context.ts'
import type { KeyTexts } from '../contract/prefetching-store.ts'
import type { ValueState } from '../format/value-state.ts'
import { TimeBucket } from './time-bucket.ts'
import type { SnapshotBounds } from './time-snapshot.ts'
import { TimeSnapshot } from './time-snapshot.ts'
import { BareSlot, TimedEntry, TimedKey, type Slot } from './timed-entry.ts'

/**
 * Which entries a window or session store has: by key, each with its times in order, and by time, each with
 * its keys. Level cannot be read in ranges synchronously, so all of it is in memory, apart from the values. A
 * look-up costs what finding the key costs: the newest time of a key is looked at first.
 */
export class TimeIndex {
  readonly #byId = new Map<string, TimedKey>()
  readonly #byAlias = new KeyTable<TimedKey>()
  readonly #buckets = sortedMap<number, TimeBucket>((left, right) => left - right)
  /** Open snapshots: weak, so that an iterator that was dropped half-way does not collect values for ever. */
  #snapshots: WeakRef<TimeSnapshot>[] = []
  // The last key and bucket: an aggregate's next call is mostly for the same key, and its next key for the
  // same window.
  #lastAlias: unknown = undefined
  #lastKey: TimedKey | undefined
  #lastBucket: TimeBucket | undefined
  /** Time of the oldest bucket, or an earlier one. */
  #oldest = Infinity
  #size = 0

  get size(): number {
    return this.#size
  }

  /** Whether changes of values must be announced by `save`. */
  get watched(): boolean {
    return this.#snapshots.length > 0
  }

  /** Finds a key as user code has it; undefined says nothing about the store. */
  find(alias: unknown): TimedKey | undefined {
    if (alias === this.#lastAlias && this.#lastKey !== undefined) return this.#lastKey
    if (typeof alias === 'object' || alias === 0) return undefined
    const key = this.#byAlias.get(alias)
    if (key === undefined) return undefined
    this.#lastAlias = alias
    this.#lastKey = key
    return key
  }

  /** Looks up the group of keys that begins at `start`, ahead of their use. Returns how many are here. */
  prefetch(keys: readonly KeyInBuffer[], start: number, texts: KeyTexts): number {
    return this.#byAlias.prefetch(keys, start, texts)
  }

  /** Finds a serialised key; from then on `find` finds it by `alias`, too. */
  findById(id: string, alias: unknown): TimedKey | undefined {
    const key = this.#byId.get(id)
    if (key !== undefined) this.#callBy(key, alias)
    return key
  }

  /**
   * Returns the key, made where it is missing; from then on found by `alias`, too. A key leaves with its last
   * entry.
   */
  enter(id: string, alias: unknown): TimedKey {
    const key = this.#enter(id)
    this.#callBy(key, alias)
    return key
  }

  /** Adds an entry in memory, at a place of an entered key that is not taken. */
  insert(key: TimedKey, time: number, suffix: number): TimedEntry {
    const entry = new TimedEntry(key, this.#bucketFor(key, time), suffix)
    key.insert(entry)
    this.#size += 1
    return entry
  }

  /** Adds an entry that is not in memory. */
  insertBare(id: string, time: number, suffix: number): void {
    const key = this.#enter(id)
    key.insert(bareSlot(this.#bucketFor(key, time), suffix))
    this.#size += 1
  }

  /** Brings the entry at this index of the key into memory, as yet unread. */
  materialize(key: TimedKey, index: number): TimedEntry {
    const slot = key.at(index)!
    if (slot instanceof TimedEntry) return slot
    const bucket = slot instanceof BareSlot ? slot.bucket : slot
    const entry = new TimedEntry(key, bucket, slot.suffix)
    key.replace(index, entry)
    return entry
  }

  /** Notes that the entry leaves memory; its place stays. */
  evict(entry: TimedEntry): void {
    const { key, time, suffix } = entry
    key.replace(key.find(time, suffix), bareSlot(entry.bucket, suffix))
  }

  remove(key: TimedKey, index: number): void {
    const { time } = key.at(index)!
    key.removeAt(index)
    this.#size -= 1
    const bucket = key.hasTime(time) ? undefined : this.#buckets.get(time)
    bucket?.remove()
    if (bucket?.isEmpty) this.#dropBucket(bucket)
    if (key.count === 0) this.#drop(key)
  }

  /** Whether anything is of that time or an earlier one. */
  reachesTo(time: number): boolean {
    return this.#oldest <= time
  }

  /**
   * Removes everything up to and including that time, and calls `gone` for each slot. Costs nothing where
   * there is nothing.
   */
  expire(throughTime: number, gone: (key: TimedKey, slot: Slot) => void): void {
    if (!this.reachesTo(throughTime)) return
    for (const [time, bucket] of this.#buckets.entries()) {
      if (time > throughTime) break
      for (const key of bucket.keys) this.#expireSlots(key, throughTime, gone)
    }
    this.#buckets.deleteRange(-Infinity, throughTime, true)
    this.#oldest = this.#buckets.minKey() ?? Infinity
    this.#lastBucket = undefined
  }

  /** Tells the open snapshots that the entry at this place is about to change. */
  save(key: TimedKey, time: number, suffix: number, state: ValueState): void {
    let collected = false
    for (const reference of this.#snapshots) {
      const snapshot = reference.deref()
      if (snapshot) snapshot.save(key, time, suffix, state)
      else collected = true
    }
    if (collected) this.#forget(undefined)
  }

  /** A snapshot of the entries within bounds; undefined where there are none. */
  snapshot(bounds: SnapshotBounds): TimeSnapshot | undefined {
    const parts = []
    for (const [time, bucket] of this.#buckets.entries(bounds.fromTime)) {
      if (time > bounds.toTime) break
      parts.push({ time, list: bucket.share() })
    }
    if (parts.length === 0) return undefined
    if (bounds.reverse) parts.reverse()
    const snapshot = new TimeSnapshot(parts, bounds, ended => this.#forget(ended))
    this.#snapshots.push(new WeakRef(snapshot))
    return snapshot
  }

  clear(): void {
    this.#byId.clear()
    this.#byAlias.clear()
    this.#buckets.clear()
    this.#snapshots = []
    this.#lastAlias = this.#lastKey = this.#lastBucket = undefined
    this.#oldest = Infinity
    this.#size = 0
  }

  #enter(id: string): TimedKey {
    let key = this.#byId.get(id)
    if (key === undefined) this.#byId.set(id, (key = new TimedKey(id)))
    return key
  }

  #callBy(key: TimedKey, alias: unknown): void {
    // 0 and -0 are one key to a Map, and two to a serde of floats.
    if (alias === undefined || typeof alias === 'object' || alias === 0 || key.alias !== undefined) return
    // The alias is a text of its own, not a share in a longer string that the user's key was cut from.
    key.alias = alias === key.id ? key.id : alias
    this.#byAlias.add(key)
  }

  /** The bucket of that time, with the key in it. */
  #bucketFor(key: TimedKey, time: number): TimeBucket {
    let bucket = this.#lastBucket?.time === time ? this.#lastBucket : this.#buckets.get(time)
    if (bucket === undefined) {
      bucket = new TimeBucket(time, key)
      this.#buckets.set(time, bucket)
      if (time < this.#oldest) this.#oldest = time
    } else if (!key.hasTime(time)) {
      bucket.add(key)
    }
    this.#lastBucket = bucket
    return bucket
  }

  #dropBucket({ time }: TimeBucket): void {
    this.#buckets.delete(time)
    if (this.#oldest === time) this.#oldest = this.#buckets.minKey() ?? Infinity
    if (this.#lastBucket?.time === time) this.#lastBucket = undefined
  }

  #drop(key: TimedKey): void {
    this.#byId.delete(key.id)
    if (key.alias !== undefined) this.#byAlias.delete(key)
    if (this.#lastKey === key) this.#lastKey = undefined
  }

  #expireSlots(key: TimedKey, throughTime: number, gone: (key: TimedKey, slot: Slot) => void): void {
    // A key without entries was dropped before: an earlier bucket expired it, or its entries were removed.
    if (key.count === 0) return
    for (let slot = key.at(0); slot !== undefined && slot.time <= throughTime; slot = key.at(0)) {
      this.#size -= 1
      key.removeAt(0)
      gone(key, slot)
    }
    if (key.count === 0) this.#drop(key)
  }

  #forget(ended: TimeSnapshot | undefined): void {
    this.#snapshots = this.#snapshots.filter(reference => {
      const snapshot = reference.deref()
      return snapshot !== undefined && snapshot !== ended
    })
  }
}

function bareSlot(bucket: Slot, suffix: number): Slot {
  return suffix === 0 ? bucket : new BareSlot(bucket, suffix)
}
