import { Buffer } from 'node:buffer'
import { copyInto } from '../../common/bytes.ts'

/** One write; a null value deletes. */
export interface EngineWrite {
  readonly key: Uint8Array
  readonly value: Uint8Array | null
}

/** Rows one after the other in the first `length` bytes: `length of the key (4) ‖ length of the value (4; −1: deletion) ‖ key ‖ value`, lengths little-endian. */
export interface PackedRows {
  readonly bytes: Buffer
  readonly length: number
}

const HEAD_BYTES = 8
const DELETION = -1
const SLAB_BYTES_MIN = 512
/** Larger ones are costly to get from the operating system in one piece. */
const SLAB_BYTES_MAX = 256 * 1024
/** Few bytes are copied rather than handed on in memory of their own. */
const COPIED_BYTES_MAX = 4096

/**
 * Writes that go to an engine together, in the order in which they take effect. They are copied into a few large pieces of memory: an object a
 * write, held until the commit is through, is what the garbage collector pays most for, and the pieces go to another thread as they are.
 */
export class WriteBatch {
  #full: PackedRows[] = []
  #fullBytes = 0
  #slab: Buffer = Buffer.alloc(0)
  #at = 0
  #count = 0
  #slabBytes = SLAB_BYTES_MIN

  static of(writes: Iterable<EngineWrite>): WriteBatch {
    const batch = new WriteBatch()
    for (const { key, value } of writes) batch.put(key, value)
    return batch
  }

  get count(): number {
    return this.#count
  }

  get byteLength(): number {
    return this.#fullBytes + this.#at
  }

  /** Copies both: they may be changed afterwards. A null value deletes. */
  put(key: Uint8Array, value: Uint8Array | null): void {
    const keyLength = key.length
    const end = HEAD_BYTES + keyLength + (value === null ? 0 : value.length)
    if (this.#at + end > this.#slab.length) this.#open(end)
    const slab = this.#slab
    const at = this.#at
    writeLength(slab, at, keyLength)
    writeLength(slab, at + 4, value === null ? DELETION : value.length)
    copyInto(slab, key, at + HEAD_BYTES)
    if (value !== null) copyInto(slab, value, at + HEAD_BYTES + keyLength)
    this.#at = at + end
    this.#count += 1
  }

  /** Everything of another batch, which is empty then. */
  takeFrom(other: WriteBatch): void {
    if (other.#count === 0) return
    this.#count += other.#count
    const rows = other.take()
    for (const { bytes, length } of rows) {
      if (length <= COPIED_BYTES_MAX) {
        if (this.#at + length > this.#slab.length) this.#open(length)
        this.#slab.set(bytes.subarray(0, length), this.#at)
        this.#at += length
      } else {
        this.#close()
        this.#full.push({ bytes, length })
        this.#fullBytes += length
      }
    }
  }

  /** All rows; the batch is empty then. */
  take(): PackedRows[] {
    this.#close()
    const rows = this.#full
    // The next one is mostly as large.
    this.#slabBytes = Math.min(Math.max(this.#fullBytes, SLAB_BYTES_MIN), SLAB_BYTES_MAX)
    this.#full = []
    this.#fullBytes = 0
    this.#count = 0
    return rows
  }

  /** In order. The views are of the batch's memory. */
  forEach(visit: (key: Uint8Array, value: Uint8Array | null) => void): void {
    for (const rows of this.#full) forEachRow(rows, visit)
    forEachRow({ bytes: this.#slab, length: this.#at }, visit)
  }

  clear(): void {
    this.take()
  }

  #open(bytesMin: number): void {
    this.#close()
    this.#slab = Buffer.allocUnsafeSlow(Math.max(bytesMin, this.#slabBytes))
    this.#slabBytes = Math.min(2 * this.#slabBytes, SLAB_BYTES_MAX)
  }

  #close(): void {
    if (this.#at > 0) {
      this.#full.push({ bytes: this.#slab, length: this.#at })
      this.#fullBytes += this.#at
      this.#at = 0
    }
    this.#slab = Buffer.alloc(0)
  }
}

/** In order. The views are of the rows' memory. */
export function forEachRow(
  { bytes, length }: PackedRows,
  visit: (key: Uint8Array, value: Uint8Array | null) => void,
): void {
  for (let at = 0; at < length;) {
    const keyAt = at + HEAD_BYTES
    const valueAt = keyAt + bytes.readInt32LE(at)
    const valueLength = bytes.readInt32LE(at + 4)
    at = valueAt + Math.max(0, valueLength)
    visit(bytes.subarray(keyAt, valueAt), valueLength === DELETION ? null : bytes.subarray(valueAt, at))
  }
}

function writeLength(bytes: Buffer, at: number, length: number): void {
  bytes[at] = length
  bytes[at + 1] = length >> 8
  bytes[at + 2] = length >> 16
  bytes[at + 3] = length >> 24
}
