import { Entry } from '../memory/entry.ts'

/**
 * The place of an entry in the index. `time` is what entries expire by: the start of a window, the end of a
 * session. `suffix` tells apart what has one key and time: the number of a duplicate, the start of a session.
 */
export interface Slot {
  readonly time: number
  readonly suffix: number
}

/**
 * The place of an entry that is not in memory. Without a suffix the bucket itself is the slot, for all keys.
 */
export class BareSlot implements Slot {
  readonly bucket: Slot
  readonly suffix: number

  constructor(bucket: Slot, suffix: number) {
    this.bucket = bucket
    this.suffix = suffix
  }

  get time(): number {
    return this.bucket.time
  }
}

/** An entry in memory, which is its own place in the index. */
export class TimedEntry extends Entry implements Slot {
  readonly key: TimedKey
  readonly bucket: Slot
  readonly suffix: number

  constructor(key: TimedKey, bucket: Slot, suffix: number) {
    super(key.id.length)
    this.key = key
    this.bucket = bucket
    this.suffix = suffix
  }

  override get id(): string {
    return this.key.id
  }

  get time(): number {
    return this.bucket.time
  }

  /**
   * Length of the key in Kafka Streams' cache: number of the segment, key, time and number of a duplicate.
   */
  override get keyBytes(): number {
    return this.key.id.length + 20
  }
}

const NO_SLOTS: readonly Slot[] = []

/**
 * A key and its entries, by time, then suffix. The newest stands beside the key: most look-ups are for it,
 * and most keys of a store of sessions have no other.
 */
export class TimedKey {
  /** The serialised key, a character for a byte. */
  readonly id: string
  /** The primitive under which the key is found without serialising. */
  alias: unknown = undefined
  #newest: Slot | undefined = undefined
  #older: readonly Slot[] = NO_SLOTS

  constructor(id: string) {
    this.id = id
  }

  /** Reads the fields that look-ups read; the result is of no use. */
  prefetch(): number {
    const newest = this.#newest
    return newest instanceof TimedEntry ? newest.prefetch() : 0
  }

  get count(): number {
    return this.#newest === undefined ? 0 : this.#older.length + 1
  }

  /** The slot at this index; undefined beyond the last one. */
  at(index: number): Slot | undefined {
    const { length } = this.#older
    return index === length ? this.#newest : this.#older[index]
  }

  /**
   * The index of the slot; where there is none, −1 minus the index at which it belongs. Looks at the end
   * first, where most new slots go.
   */
  find(time: number, suffix: number): number {
    const newest = this.#newest
    if (newest === undefined) return -1
    const older = this.#older
    if (newest.time === time && newest.suffix === suffix) return older.length
    if (isBefore(newest, time, suffix)) return -2 - older.length
    let low = 0
    let high = older.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (isBefore(older[middle]!, time, suffix)) low = middle + 1
      else high = middle
    }
    const found = older[low]
    return found !== undefined && found.time === time && found.suffix === suffix ? low : -1 - low
  }

  /** The index of the first slot of that time or a later one. */
  firstFrom(time: number): number {
    const index = this.find(time, -1)
    return index < 0 ? -1 - index : index
  }

  hasTime(time: number): boolean {
    return this.at(this.firstFrom(time))?.time === time
  }

  /** Adds a slot whose place is not taken. */
  insert(slot: Slot): void {
    const index = -1 - this.find(slot.time, slot.suffix)
    if (this.#newest === undefined) this.#newest = slot
    else if (index > this.#older.length) {
      this.#ownOlder().push(this.#newest)
      this.#newest = slot
    } else this.#ownOlder().splice(index, 0, slot)
  }

  /** Puts the slot in the place of another with the same time and suffix. */
  replace(index: number, slot: Slot): void {
    if (index === this.#older.length) this.#newest = slot
    else this.#ownOlder()[index] = slot
  }

  removeAt(index: number): void {
    if (index < this.#older.length) this.#ownOlder().splice(index, 1)
    else this.#newest = this.#older.length === 0 ? undefined : this.#ownOlder().pop()
  }

  #ownOlder(): Slot[] {
    // The shared empty list is replaced only here: an array of its own for each key would be as large as the
    // key.
    if (this.#older === NO_SLOTS) this.#older = []
    return this.#older as Slot[]
  }
}

function isBefore(slot: Slot, time: number, suffix: number): boolean {
  return slot.time < time || (slot.time === time && slot.suffix < suffix)
}
