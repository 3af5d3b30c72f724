import { ValueState } from '../format/value-state.ts'

/**
 * Heap of an entry beside its key and value, its places in both maps included: measured with keys of 12
 * characters and numbers.
 */
const OVERHEAD_BYTES = 240

/** Bits of an entry's marks; the number of its pins stands above them. */
const DIRTY = 1
const TOUCHED = 2
const EXPIRED = 4
const LISTED = 8
const PIN = 16

/**
 * What a store knows about one of its places: the newest value, and in which stages of a commit it takes
 * part. Kept small, its flags in one number: two entries rarely share a line of the processor's cache, and
 * waiting for those lines is what a look-up costs most for.
 */
export abstract class Entry extends ValueState {
  #marks = 0
  /** Heap bytes of the entry, estimated. */
  size: number
  /** The entry before a change that is held back; undefined while there is none. */
  heldBefore: ValueState | undefined = undefined
  /** The entry's place among the changes of `DirtyChanges`; `heldBytes`: the bytes that it counts there. */
  heldAt = 0
  heldBytes = 0

  constructor(keyLength: number) {
    super()
    this.size = OVERHEAD_BYTES + keyLength
  }

  /** The serialised key, a character for a byte. */
  abstract get id(): string

  /** Length of the key as Kafka Streams' cache counts it. */
  abstract get keyBytes(): number

  /** Whether the engine lacks the entry's newest value. */
  get dirty(): boolean {
    return (this.#marks & DIRTY) !== 0
  }

  set dirty(dirty: boolean) {
    this.#mark(DIRTY, dirty)
  }

  /**
   * Whether the entry was found in the cache since the hand of the clock last passed. The first read does not
   * set it: entries that are read once leave first.
   */
  get touched(): boolean {
    return (this.#marks & TOUCHED) !== 0
  }

  set touched(touched: boolean) {
    this.#mark(TOUCHED, touched)
  }

  /**
   * Whether retention has ended the entry and the index has let it go: it stays for the commits that it takes
   * part in.
   */
  get expired(): boolean {
    return (this.#marks & EXPIRED) !== 0
  }

  set expired(expired: boolean) {
    this.#mark(EXPIRED, expired)
  }

  /**
   * Whether the entry is in the list of a cache that keeps one: such a list may hold entries that have left.
   */
  get listed(): boolean {
    return (this.#marks & LISTED) !== 0
  }

  set listed(listed: boolean) {
    this.#mark(LISTED, listed)
  }

  /** Whether there are reasons for which it must not be evicted: held back, dirty, sealed, staged. */
  get isPinned(): boolean {
    return this.#marks >= PIN
  }

  pin(): void {
    this.#marks += PIN
  }

  unpin(): void {
    this.#marks -= PIN
  }

  /** Reads the first and last fields of the entry, which nearly every use reads; the result is of no use. */
  prefetch(): number {
    return this.timestamp > 0 ? this.heldAt + this.id.length : this.heldAt
  }

  sizeWith(valueBytes: number): number {
    return OVERHEAD_BYTES + this.id.length + valueBytes
  }

  #mark(bit: number, isSet: boolean): void {
    this.#marks = isSet ? this.#marks | bit : this.#marks & ~bit
  }
}

/** The entry of a key. */
export class KeyEntry extends Entry {
  override readonly id: string
  /** The primitive under which the entry is found without serialising. */
  alias: unknown = undefined

  constructor(id: string) {
    super(id.length)
    this.id = id
  }

  override get keyBytes(): number {
    return this.id.length
  }
}
