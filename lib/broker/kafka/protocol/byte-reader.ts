import type { Buffer } from 'node:buffer'
import { readInt64 } from '../../../common/int64.ts'
import { MalformedError } from './malformed-error.ts'

/**
 * Reads a Kafka response; the counterpart of `ByteWriter`. Every read is checked against the end, so that a
 * truncated or mangled response throws `MalformedError` and never reads what lies behind it.
 */
export class ByteReader {
  readonly buffer: Buffer
  readonly #flexible: boolean
  #at: number
  readonly #end: number

  constructor(buffer: Buffer, at: number, flexible: boolean) {
    this.buffer = buffer
    this.#at = at
    this.#end = buffer.length
    this.#flexible = flexible
  }

  get at(): number {
    return this.#at
  }

  int8(): number {
    return this.buffer.readInt8(this.#take(1))
  }

  int16(): number {
    return this.buffer.readInt16BE(this.#take(2))
  }

  int32(): number {
    return this.buffer.readInt32BE(this.#take(4))
  }

  /** An offset or an id. Throws `MalformedError` for a value that a number cannot hold exactly. */
  int64(): number {
    const at = this.#take(8)
    const value = readInt64(this.buffer, at)
    if (!Number.isSafeInteger(value)) throw new MalformedError(`a number of 64 bits is out of range at ${at}`)
    return value
  }

  boolean(): boolean {
    return this.int8() !== 0
  }

  uuid(): string {
    const at = this.#take(16)
    return this.buffer.toString('hex', at, at + 16)
  }

  string(): string {
    const text = this.nullableString()
    if (text === null) throw new MalformedError(`a string is null at ${this.#at}`)
    return text
  }

  nullableString(): string | null {
    const length = this.#flexible ? this.#varint() - 1 : this.int16()
    if (length < 0) return null
    const at = this.#take(length)
    return this.buffer.toString('utf8', at, at + length)
  }

  bytes(): Buffer {
    const length = this.#flexible ? this.#varint() - 1 : this.int32()
    if (length < 0) throw new MalformedError(`a byte string is null at ${this.#at}`)
    return this.skip(length)
  }

  /** The length of the record section, which is not stepped over; 0 where the section is null. */
  recordsLength(): number {
    const length = this.#flexible ? this.#varint() - 1 : this.int32()
    return Math.max(0, length)
  }

  /**
   * The length of an array, whose elements follow; 0 where the array is null. An element has at least one
   * byte, so a mangled length that is larger than the rest of the response is refused.
   */
  array(): number {
    const length = this.#flexible ? this.#varint() - 1 : this.int32()
    if (length > this.#end - this.#at) throw new MalformedError(`an array of ${length} at ${this.#at}`)
    return Math.max(0, length)
  }

  skip(length: number): Buffer {
    const at = this.#take(length)
    return this.buffer.subarray(at, at + length)
  }

  /**
   * Reads the tagged fields at the end of a structure. `known` is called with each; its reader ends where the
   * field does.
   */
  tags(known?: (tag: number, reader: ByteReader) => void): void {
    if (!this.#flexible) return
    for (let left = this.#varint(); left > 0; left -= 1) {
      const tag = this.#varint()
      const value = this.skip(this.#varint())
      known?.(tag, new ByteReader(value, 0, true))
    }
  }

  #varint(): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.buffer[this.#take(1)]!
      value += (byte & 127) * 2 ** shift
      if (byte < 128) return value
    }
    throw new MalformedError(`a varint is too long at ${this.#at}`)
  }

  #take(length: number): number {
    const at = this.#at
    if (length < 0 || at + length > this.#end) {
      throw new MalformedError(`${length} bytes at ${at}, but only ${this.#end - at} are left`)
    }
    this.#at = at + length
    return at
  }
}
