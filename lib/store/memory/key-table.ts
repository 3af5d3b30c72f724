import { systemRandom } from '../../common/random.ts'
import type { KeyInBuffer } from '../../common/record-context.ts'
import { wasRead } from './prefetch.ts'
import { PREFETCH_GROUP, type KeyTexts } from '../contract/prefetching-store.ts'

/** An item of a table. It holds its own key, so that the table need not. */
export interface Keyed {
  /** The key: a primitive. */
  readonly alias: unknown
  /** Reads the fields that a look-up reads next to the key; the result is of no use. */
  prefetch(): number
}

const CAPACITY_MIN = 16
const TEXT_LENGTH_MAX = 48
/** Characters that are hashed at either end of a longer text. */
const HASHED_LENGTH = 32
/** Seed of all hashes: random, so that nobody can choose keys that all fall into one place. */
const SEED = Math.floor(systemRandom.next() * 2 ** 31)

/**
 * A map by string keys that costs half as much as a `Map` where there are many: their hashes stand side by
 * side, so that a look-up seldom touches more distant memory than that of the entry it finds. (A `Map` goes
 * through chains, and to the string of each key in them.) Keys of other types are kept in a `Map`.
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

  /**
   * Prefetches for look-ups of the group of keys that begins at `start`, as far as they are text of one byte
   * a character, in stages: each reads of every key what the stage before has led to. Returns how many were
   * found, and sets of `texts` those that are short and ASCII.
   */
  prefetch(keys: readonly KeyInBuffer[], start: number, texts: KeyTexts): number {
    const [hashes, items] = [this.#hashes, this.#items]
    const mask = hashes.length - 1
    const count = Math.min(PREFETCH_GROUP, keys.length - start)
    let sum = 0
    for (let index = 0; index < count; index += 1) {
      const hash = hashOfBytes(keys[start + index]!)
      groupHashes[index] = hash
      sum = (sum + hashes[hash & mask]!) | 0
    }
    const group = groupItems as T[]
    let found = 0
    for (let index = 0; index < count; index += 1) {
      const hash = groupHashes[index]!
      let at = hash & mask
      while (hashes[at] !== 0 && hashes[at] !== hash) at = (at + 1) & mask
      if (hashes[at] === 0) continue
      group[found] = items[at]!
      groupPlaces[found] = index
      found += 1
    }
    for (let index = 0; index < found; index += 1) {
      const text = group[index]!.alias as string
      const place = groupPlaces[index]!
      if (isShortAscii(text, keys[start + place]!)) texts[place] = text
    }
    for (let index = 0; index < found; index += 1) sum = (sum + group[index]!.prefetch()) | 0
    wasRead(sum)
    groupItems.fill(undefined, 0, found)
    return found
  }

  /** Adds an item by its alias, which must not be there yet. */
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

  /**
   * Moves the items behind a gap up, unless they stand where they belong, so that no look-up has to step over
   * gaps.
   */
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

const groupHashes = new Int32Array(PREFETCH_GROUP)
/** Index in the group of the key that each found item belongs to. */
const groupPlaces = new Int32Array(PREFETCH_GROUP)
const groupItems = new Array<unknown>(PREFETCH_GROUP).fill(undefined)

/**
 * Whether these bytes are that text in ASCII. False for longer texts: decoding them costs no more than
 * comparing.
 */
function isShortAscii(text: string, { buffer, keyStart, keyEnd }: KeyInBuffer): boolean {
  const { length } = text
  if (length !== keyEnd - keyStart || length > TEXT_LENGTH_MAX) return false
  for (let at = 0; at < length; at += 1) {
    const byte = buffer[keyStart + at]!
    if (byte !== text.charCodeAt(at) || byte > 0x7f) return false
  }
  return true
}

/** The hash (`hashOf`) of the text whose characters are these bytes. */
function hashOfBytes({ buffer, keyStart, keyEnd }: KeyInBuffer): number {
  const length = keyEnd - keyStart
  let hash = SEED ^ length
  if (length <= 2 * HASHED_LENGTH) {
    for (let at = keyStart; at < keyEnd; at += 1) hash = Math.imul(hash ^ buffer[at]!, 0x9e3779b1)
  } else {
    const firstEnd = keyStart + HASHED_LENGTH
    for (let at = keyStart; at < firstEnd; at += 1) hash = Math.imul(hash ^ buffer[at]!, 0x9e3779b1)
    for (let at = keyEnd - HASHED_LENGTH; at < keyEnd; at += 1)
      hash = Math.imul(hash ^ buffer[at]!, 0x9e3779b1)
  }
  return finished(hash)
}

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
  return finished(hash)
}

/** Finishes a hash. Never 0, which stands for an empty place. */
function finished(mixed: number): number {
  let hash = mixed ^ (mixed >>> 15)
  hash = Math.imul(hash, 0x85ebca6b)
  hash ^= hash >>> 13
  return hash === 0 ? 1 : hash
}
