import type { Slot, TimedKey } from './timed-entry.ts'

/** Keys that came to a bucket; a list that is shared with a snapshot is not added to any more. */
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

  /** In the order of their bytes. A key may be there more than once, or without an entry any more. */
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
  /** The bucket is the slot of entries that are not in memory and have no minor. */
  readonly minor = 0
  #list: KeyList
  /** Keys that are there; the list may hold some that are not. */
  #live = 1

  constructor(time: number, first: TimedKey) {
    this.time = time
    this.#list = new KeyList([first])
  }

  get isEmpty(): boolean {
    return this.#live === 0
  }

  /** Once a key, before it has a slot of this time. */
  add(key: TimedKey): void {
    this.#live += 1
    if (this.#list.shared) this.#list = new KeyList(this.#list.keys.slice())
    this.#list.push(key)
  }

  /** Once a key, after its last slot of this time is gone. */
  remove(): void {
    this.#live -= 1
    const gone = this.#list.keys.length - this.#live
    if (gone > 16 && gone > this.#live) {
      const live = this.#list.keys.filter(key => key.hasTime(this.time))
      this.#list = new KeyList([...new Set(live)])
    }
  }

  /** For going through, whatever comes and goes meanwhile. */
  share(): KeyList {
    this.#list.shared = true
    return this.#list
  }

  get keys(): readonly TimedKey[] {
    return this.#list.keys
  }
}

function byId(left: TimedKey, right: TimedKey): number {
  return left.id < right.id ? -1 : left.id > right.id ? 1 : 0
}
