import type { Slot, TimedKey } from './timed-entry.ts'

/** Keys that came to a bucket. A list that is shared with a snapshot is not added to any more. */
export class KeyList {
  readonly keys: TimedKey[]
  shared = false
  #sorted: boolean

  constructor(keys: TimedKey[]) {
    this.keys = keys
    this.#sorted = keys.length <= 1
  }

  push(key: TimedKey): void {
    this.#sorted = false
    this.keys.push(key)
  }

  /** The keys in the order of their bytes. One may be there more than once, or without an entry any more. */
  sorted(): readonly TimedKey[] {
    if (!this.#sorted) {
      this.keys.sort(byId)
      this.#sorted = true
    }
    return this.keys
  }
}

/** The keys that have entries of one time. Sorted when somebody asks for them in order. */
export class TimeBucket implements Slot {
  readonly time: number
  /** The bucket is the slot of entries that are not in memory and have no suffix. */
  readonly suffix = 0
  /**
   * The keys; the first one alone until there is another, since with times of all kinds most buckets have
   * one, and a list is larger than the bucket.
   */
  #keys: TimedKey | KeyList
  /** Number of keys that have entries; the list may hold some that have none. */
  #live = 1

  constructor(time: number, first: TimedKey) {
    this.time = time
    this.#keys = first
  }

  get isEmpty(): boolean {
    return this.#live === 0
  }

  /** Adds a key: called once for it, before it has a slot of this time. */
  add(key: TimedKey): void {
    this.#live += 1
    const list = this.#list()
    if (list.shared) this.#keys = new KeyList([...list.keys, key])
    else list.push(key)
  }

  /** Removes a key: called once for it, after its last slot of this time is gone. */
  remove(): void {
    this.#live -= 1
    const { keys } = this
    const gone = keys.length - this.#live
    if (gone > 16 && gone > this.#live) {
      const live = keys.filter(key => key.hasTime(this.time))
      this.#keys = new KeyList([...new Set(live)])
    }
  }

  /** The keys of now, for iterations during which keys come and go. */
  share(): KeyList {
    const list = this.#list()
    list.shared = true
    return list
  }

  get keys(): readonly TimedKey[] {
    return this.#keys instanceof KeyList ? this.#keys.keys : [this.#keys]
  }

  #list(): KeyList {
    if (!(this.#keys instanceof KeyList)) this.#keys = new KeyList([this.#keys])
    return this.#keys
  }
}

function byId(left: TimedKey, right: TimedKey): number {
  return left.id < right.id ? -1 : left.id > right.id ? 1 : 0
}
