import { systemRandom } from '../../common/random.ts'

/** What is found by a key holds it, so that the table need not. */
export interface Keyed {
  /** The key: a primitive. */
  readonly alias: unknown
}

const CAPACITY_MIN = 16
/** Of longer texts this much at either end. */
const HASHED_LENGTH = 32
/** Nobody can choose keys that all fall into one place. */
const SEED = Math.floor(systemRandom.next() * 2 ** 31)

/**
 * As a `Map` by string keys, which costs half as much where there are many: their hashes stand side by side, so that a look-up seldom touches
 * more distant memory than that of the entry it finds. (A `Map` goes through chains, and to the string of each key in them.) Keys of other types are
 * kept in a `Map`.
 */
export class KeyTable<T extends Keyed> {
  readonly #others = new Map<unknown, T>()
  #hashes = new Int32Array(CAPACITY_MIN)
  #items: (T | undefined)[] = new Array<T | undefined>(CAPACITY_MIN)
  #size = 0

  get(key: unknown): T | undefined {
    if (typeof key !== 'string') return this.#others.get(key)
    const hashes = this.#hashes
    const mask = hashes.length - 1
    const hash = hashOf(key)
    for (let at = hash & mask; ; at = (at + 1) & mask) {
      const found = hashes[at]
      if (found === 0) return undefined
      if (found === hash && this.#items[at]!.alias === key) return this.#items[at]
    }
  }

  /** By its alias, which must not be there yet. */
  add(item: T): void {
    const { alias } = item
    if (typeof alias !== 'string') {
      this.#others.set(alias, item)
      return
    }
    if (2 * (this.#size + 1) > this.#hashes.length) this.#grow()
    this.#place(hashOf(alias), item)
    this.#size += 1
  }

  delete(item: T): void {
    const { alias } = item
    if (typeof alias !== 'string') {
      this.#others.delete(alias)
      return
    }
    const mask = this.#hashes.length - 1
    let at = hashOf(alias) & mask
    while (this.#hashes[at] !== 0 && this.#items[at] !== item) at = (at + 1) & mask
    if (this.#hashes[at] === 0) return
    this.#size -= 1
    this.#closeGap(at)
  }

  clear(): void {
    this.#others.clear()
    this.#hashes = new Int32Array(CAPACITY_MIN)
    this.#items = new Array<T | undefined>(CAPACITY_MIN)
    this.#size = 0
  }

  #place(hash: number, item: T): void {
    const mask = this.#hashes.length - 1
    let at = hash & mask
    while (this.#hashes[at] !== 0) at = (at + 1) & mask
    this.#hashes[at] = hash
    this.#items[at] = item
  }

  /** What follows moves up, unless it stands where it belongs: no look-up has to step over what is gone. */
  #closeGap(start: number): void {
    const [hashes, items] = [this.#hashes, this.#items]
    const mask = hashes.length - 1
    let gap = start
    for (let at = (gap + 1) & mask; hashes[at] !== 0; at = (at + 1) & mask) {
      const home = hashes[at]! & mask
      if (((at - home) & mask) < ((at - gap) & mask)) continue
      hashes[gap] = hashes[at]!
      items[gap] = items[at]
      gap = at
    }
    hashes[gap] = 0
    items[gap] = undefined
  }

  #grow(): void {
    const [hashes, items] = [this.#hashes, this.#items]
    this.#hashes = new Int32Array(2 * hashes.length)
    this.#items = new Array<T | undefined>(2 * hashes.length).fill(undefined)
    for (let at = 0; at < hashes.length; at += 1) if (hashes[at] !== 0) this.#place(hashes[at]!, items[at]!)
  }
}

/** Never 0, which stands for an empty place. */
function hashOf(text: string): number {
  const { length } = text
  let hash = SEED ^ length
  if (length <= 2 * HASHED_LENGTH) {
    for (let at = 0; at < length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x9e3779b1)
  } else {
    for (let at = 0; at < HASHED_LENGTH; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x9e3779b1)
    for (let at = length - HASHED_LENGTH; at < length; at += 1)
      hash = Math.imul(hash ^ text.charCodeAt(at), 0x9e3779b1)
  }
  hash ^= hash >>> 15
  hash = Math.imul(hash, 0x85ebca6b)
  hash ^= hash >>> 13
  return hash === 0 ? 1 : hash
}
