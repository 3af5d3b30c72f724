import type { StoredRecord } from './stored-record.ts'

const EMPTY = 0
const SLOTS_MIN = 1024

/**
 * The last offset of each key, by the keys' bytes, in a few typed arrays: a map of strings costs ten times as
 * long and leaves its garbage to be collected. The keys are copied, so that no record and no chunk is held on
 * to. As Kafka's `OffsetMap`, but exact.
 */
export class KeyOffsets {
  /** Number of the key + 1; half of them at least are empty, so that a probe soon ends. */
  #slots = new Int32Array(SLOTS_MIN)
  #hashes = new Int32Array(SLOTS_MIN)
  /** Where each key begins in `#bytes`; it ends where the next one begins. */
  #starts = new Int32Array(SLOTS_MIN + 1)
  #offsets = new Float64Array(SLOTS_MIN)
  #bytes = new Uint8Array(16 * SLOTS_MIN)
  #size = 0

  get size(): number {
    return this.#size
  }

  /** Notes the record, which has a key. A later call for the same key counts. */
  set(record: StoredRecord): void {
    const hash = record.keyHash()
    const slot = this.#slotOf(record, hash)
    const found = this.#slots[slot] as number
    if (found === EMPTY) this.#add(record, hash, slot)
    else this.#offsets[found - 1] = record.offset
  }

  /** The last offset of this record's key. */
  get(record: StoredRecord): number | undefined {
    const found = this.#slots[this.#slotOf(record, record.keyHash())] as number
    return found === EMPTY ? undefined : this.#offsets[found - 1]
  }

  /** The key's slot, or the empty one where it belongs. */
  #slotOf(record: StoredRecord, hash: number): number {
    const mask = this.#slots.length - 1
    let slot = hash & mask
    for (let found = this.#slots[slot] as number; found !== EMPTY; found = this.#slots[slot] as number) {
      if (this.#hashes[found - 1] === hash && this.#isKeyOf(record, found - 1)) break
      slot = (slot + 1) & mask
    }
    return slot
  }

  #isKeyOf(record: StoredRecord, number: number): boolean {
    return record.keyEquals(this.#bytes, this.#starts[number] as number, this.#starts[number + 1] as number)
  }

  #add(record: StoredRecord, hash: number, slot: number): void {
    const number = this.#size
    const start = this.#starts[number] as number
    const end = start + record.keyLength
    if (end > this.#bytes.length) this.#bytes = grown(this.#bytes, new Uint8Array(2 * end))
    record.copyKey(this.#bytes, start)
    this.#hashes[number] = hash
    this.#starts[number + 1] = end
    this.#offsets[number] = record.offset
    this.#slots[slot] = number + 1
    this.#size += 1
    if (2 * this.#size > this.#slots.length) this.#grow()
  }

  #grow(): void {
    const length = 2 * this.#slots.length
    this.#hashes = grown(this.#hashes, new Int32Array(length))
    this.#starts = grown(this.#starts, new Int32Array(length + 1))
    this.#offsets = grown(this.#offsets, new Float64Array(length))
    this.#slots = new Int32Array(length)
    for (let number = 0; number < this.#size; number++) {
      let slot = (this.#hashes[number] as number) & (length - 1)
      while (this.#slots[slot] !== EMPTY) slot = (slot + 1) & (length - 1)
      this.#slots[slot] = number + 1
    }
  }
}

function grown<A extends Uint8Array | Int32Array | Float64Array>(from: A, to: A): A {
  to.set(from)
  return to
}
