import { Entry } from '../layer/entry.ts'

/**
 * The place of an entry in the index. `time` is what entries expire by: the start of a window, the end of a session. `minor` tells
 * apart what has one key and time: the number of a duplicate, the start of a session.
 */
export interface Slot {
  readonly time: number
  readonly minor: number
}

/** The place of an entry that is not in memory; without a minor the bucket itself stands there, for all keys. */
export class BareSlot implements Slot {
  readonly bucket: Slot
  readonly minor: number

  constructor(bucket: Slot, minor: number) {
    this.bucket = bucket
    this.minor = minor
  }

  get time(): number {
    return this.bucket.time
  }
}

/** An entry in memory, which is its own place in the index. */
export class TimedEntry extends Entry implements Slot {
  readonly key: TimedKey
  readonly bucket: Slot
  readonly minor: number
  /** Retention has ended it, and the index has let it go: it is here for the commits that it takes part in. */
  expired = false

  constructor(key: TimedKey, bucket: Slot, minor: number) {
    super(key.id)
    this.key = key
    this.bucket = bucket
    this.minor = minor
  }

  get time(): number {
    return this.bucket.time
  }

  /** Number of the segment, key, time and the number of a duplicate. */
  override get keyBytes(): number {
    return this.id.length + 20
  }
}

/** A key and where its entries are, by time, then minor. */
export class TimedKey {
  /** The serialised key, a character for a byte. */
  readonly id: string
  /** The primitive under which the key is found without serialising. */
  alias: unknown = undefined
  slots: Slot[] = []

  constructor(id: string) {
    this.id = id
  }

  /** The index of the slot; where there is none, −1 minus the index at which it belongs. New ones mostly come last. */
  find(time: number, minor: number): number {
    const { slots } = this
    let high = slots.length - 1
    if (high < 0) return -1
    const last = slots[high]!
    if (last.time === time && last.minor === minor) return high
    if (isBefore(last, time, minor)) return -2 - high
    let low = 0
    while (low < high) {
      const middle = (low + high) >>> 1
      if (isBefore(slots[middle]!, time, minor)) low = middle + 1
      else high = middle
    }
    const found = slots[low]!
    return found.time === time && found.minor === minor ? low : -1 - low
  }

  /** The index of the first slot of that time or a later one. */
  firstFrom(time: number): number {
    const index = this.find(time, -1)
    return index < 0 ? -1 - index : index
  }

  hasTime(time: number): boolean {
    return this.slots[this.firstFrom(time)]?.time === time
  }
}

function isBefore(slot: Slot, time: number, minor: number): boolean {
  return slot.time < time || (slot.time === time && slot.minor < minor)
}
