import { Buffer } from 'node:buffer'
import { copyInto, copyRangeInto } from '../../common/bytes.ts'
import type { SourceInBuffer } from '../../common/record-context.ts'
import { ScratchBytes } from '../../common/scratch-bytes.ts'

/** One write; a null value deletes. */
export interface EngineWrite {
  readonly key: Uint8Array
  readonly value: Uint8Array | null
}

/**
 * Rows one after the other in the first `length` bytes:
 * `length of the key (4) ‖ length of the value (4; −1: deletion) ‖ key ‖ value`, lengths little-endian.
 */
export interface PackedRows {
  readonly bytes: Buffer
  readonly length: number
}

const HEAD_BYTES = 8
const DELETION = -1
const SLAB_BYTES_MIN = 512
/** Size of a slab, at most: larger ones are costly to get from the operating system in one piece. */
const SLAB_BYTES_MAX = 256 * 1024
/** Length up to which bytes are copied rather than handed on in memory of their own. */
const COPIED_BYTES_MAX = 4096
/** Length up to which scratch memory keeps its views. */
const PASSING_BYTES_MAX = 1024
const NO_BYTES = Buffer.alloc(0)

/**
 * Writes that go to an engine together, in the order in which they take effect. They are copied into a few
 * large pieces of memory: an object for each write, held until the commit is through, would be the largest
 * cost of garbage collection, and the pieces go to another thread as they are.
 */
export class WriteBatch {
  #full: PackedRows[] = []
  #fullBytes = 0
  #slab: Buffer = NO_BYTES
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

  /** Puts a copy of key and value, which may be changed afterwards. A null value deletes. */
  put(key: Uint8Array, value: Uint8Array | null): void {
    const at = this.#add(key.length, value === null ? DELETION : value.length)
    const end = copyInto(this.#slab, at, key)
    if (value !== null) copyInto(this.#slab, end, value)
  }

  /**
   * Puts key and value from a larger buffer; each gets its head in front. A key is required; without a value
   * it is a deletion.
   */
  putSource(keyHead: Uint8Array, valueHead: Uint8Array, source: SourceInBuffer): void {
    const { buffer, keyStart, keyEnd, valueStart, valueEnd } = source
    const keyLength = keyHead.length + keyEnd - keyStart
    const isDeletion = valueEnd < valueStart
    const at = this.#add(keyLength, isDeletion ? DELETION : valueHead.length + valueEnd - valueStart)
    const slab = this.#slab
    const end = copyRangeInto(slab, copyInto(slab, at, keyHead), buffer, keyStart, keyEnd)
    if (!isDeletion) copyRangeInto(slab, copyInto(slab, end, valueHead), buffer, valueStart, valueEnd)
  }

  /** Takes everything out of another batch. */
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

  /** Returns all rows, and empties the batch. */
  take(): PackedRows[] {
    this.#close()
    const rows = this.#full
    // The next batch is mostly as large as this one.
    this.#slabBytes = Math.min(Math.max(this.#fullBytes, SLAB_BYTES_MIN), SLAB_BYTES_MAX)
    this.#full = []
    this.#fullBytes = 0
    this.#count = 0
    return rows
  }

  /** Visits all rows in order. Arguments of `visit` are valid until it returns. */
  forEach(visit: (key: Uint8Array, value: Uint8Array | null) => void): void {
    for (const rows of this.#full) forEachRow(rows, visit)
    forEachRow({ bytes: this.#slab, length: this.#at }, visit)
  }

  clear(): void {
    this.take()
  }

  /** Makes room for a row. Returns the place of its key; the value follows the key. */
  #add(keyLength: number, valueLength: number): number {
    const bytes = HEAD_BYTES + keyLength + Math.max(0, valueLength)
    if (this.#at + bytes > this.#slab.length) this.#open(bytes)
    const at = this.#at
    writeLength(this.#slab, at, keyLength)
    writeLength(this.#slab, at + 4, valueLength)
    this.#at = at + bytes
    this.#count += 1
    return at + HEAD_BYTES
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
    this.#slab = NO_BYTES
  }
}

const transientKey = new ScratchBytes()
const transientValue = new ScratchBytes()

/** Visits all rows in order. Arguments of `visit` are valid until it returns. */
export function forEachRow(
  { bytes, length }: PackedRows,
  visit: (key: Uint8Array, value: Uint8Array | null) => void,
): void {
  for (let at = 0; at < length;) {
    const keyAt = at + HEAD_BYTES
    const valueAt = keyAt + bytes.readInt32LE(at)
    const valueLength = bytes.readInt32LE(at + 4)
    at = valueAt + Math.max(0, valueLength)
    const key = passing(transientKey, bytes, keyAt, valueAt)
    visit(key, valueLength === DELETION ? null : passing(transientValue, bytes, valueAt, at))
  }
}

/**
 * Bytes that are used at once. Copying a few takes less time than making a view of them; of longer ones a
 * view has to be made in any case.
 */
function passing(scratch: ScratchBytes, bytes: Buffer, start: number, end: number): Uint8Array {
  const length = end - start
  if (length > PASSING_BYTES_MAX) return bytes.subarray(start, end)
  const piece = scratch.ofLength(length)
  copyRangeInto(piece, 0, bytes, start, end)
  return piece
}

function writeLength(bytes: Buffer, at: number, length: number): void {
  bytes[at] = length
  bytes[at + 1] = length >> 8
  bytes[at + 2] = length >> 16
  bytes[at + 3] = length >> 24
}
