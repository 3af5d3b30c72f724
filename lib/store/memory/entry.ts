import { ValueState } from '../format/value-state.ts'

/**
 * Measured: a key of 12 characters with a number costs about this much heap, its places in both maps
 * included.
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
  /** Heap bytes, estimated. */
  size: number
  /** What it was before a change that is held back; undefined while there is none. */
  heldBefore: ValueState | undefined = undefined
  /** Its place among those that are held, and what it counts there. */
  heldAt = 0
  heldBytes = 0

  constructor(keyLength: number) {
    super()
    this.size = OVERHEAD_BYTES + keyLength
  }

  /** The serialised key, a character for a byte. */
  abstract get id(): string

  /** Length of the key as Kafka Streams' cache has it. */
  abstract get keyBytes(): number

  /** The engine lacks its newest value. */
  get dirty(): boolean {
    return (this.#marks & DIRTY) !== 0
  }

  set dirty(dirty: boolean) {
    this.#mark(DIRTY, dirty)
  }

  /**
   * Found in the cache since its hand last came by. Not set by the first read: what is read once leaves
   * first.
   */
  get touched(): boolean {
    return (this.#marks & TOUCHED) !== 0
  }

  set touched(touched: boolean) {
    this.#mark(TOUCHED, touched)
  }

  /**
   * Retention has ended it, and the index has let it go: it is here for the commits that it takes part in.
   */
  get expired(): boolean {
    return (this.#marks & EXPIRED) !== 0
  }

  set expired(expired: boolean) {
    this.#mark(EXPIRED, expired)
  }

  /** Whether a cache that keeps a list has it there: such a list may hold what has left. */
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

  /** Reads what nearly every use of it reads, at both of its ends; the result is of no use. */
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
