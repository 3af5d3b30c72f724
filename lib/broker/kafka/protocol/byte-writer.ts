import { Buffer } from 'node:buffer'
import { writeInt64 } from '../../../common/int64.ts'

/** Attached bytes below this length are copied, which costs less than another write to the socket. */
const COPIED_BYTES_MAX = 2_048

/**
 * A Kafka request under construction. A *flexible* version (KIP-482) writes lengths as varints and ends each
 * structure with a tag section; the flag makes one encoder serve both kinds.
 */
export class ByteWriter {
  readonly #flexible: boolean
  #buffer: Buffer
  #at = 0
  /** Bytes that are not copied, each with its place in `#buffer`. */
  #attached: { readonly at: number; readonly bytes: Uint8Array }[] | undefined

  constructor(flexible: boolean, sizeHint = 256) {
    this.#flexible = flexible
    this.#buffer = Buffer.allocUnsafe(sizeHint)
  }

  int8(value: number): this {
    this.#room(1)
    this.#at = this.#buffer.writeInt8(value, this.#at)
    return this
  }

  int16(value: number): this {
    this.#room(2)
    this.#at = this.#buffer.writeInt16BE(value, this.#at)
    return this
  }

  int32(value: number): this {
    this.#room(4)
    this.#at = this.#buffer.writeInt32BE(value, this.#at)
    return this
  }

  int64(value: number): this {
    this.#room(8)
    writeInt64(this.#buffer, this.#at, value)
    this.#at += 8
    return this
  }

  boolean(value: boolean): this {
    return this.int8(value ? 1 : 0)
  }

  string(value: string | null): this {
    if (value === null) return this.#flexible ? this.#varint(0) : this.int16(-1)
    const bytes = Buffer.from(value, 'utf8')
    if (this.#flexible) this.#varint(bytes.length + 1)
    else this.int16(bytes.length)
    return this.raw(bytes)
  }

  /** A string with a length of two bytes, which request headers keep in every version. */
  oldString(value: string): this {
    const bytes = Buffer.from(value, 'utf8')
    return this.int16(bytes.length).raw(bytes)
  }

  bytes(value: Uint8Array): this {
    if (this.#flexible) this.#varint(value.length + 1)
    else this.int32(value.length)
    return this.raw(value)
  }

  /** The length of an array; its elements follow. */
  array(length: number): this {
    return this.#flexible ? this.#varint(length + 1) : this.int32(length)
  }

  raw(bytes: Uint8Array): this {
    this.#room(bytes.length)
    this.#buffer.set(bytes, this.#at)
    this.#at += bytes.length
    return this
  }

  /** The tag section that ends a structure, without any field. */
  noTags(): this {
    return this.#flexible ? this.#varint(0) : this
  }

  /** Like `bytes`, but without a copy: the bytes must not change before the request is sent. */
  attach(value: Uint8Array): this {
    if (value.length < COPIED_BYTES_MAX) return this.bytes(value)
    if (this.#flexible) this.#varint(value.length + 1)
    else this.int32(value.length)
    ;(this.#attached ??= []).push({ at: this.#at, bytes: value })
    return this
  }

  /** The request in pieces: what was written, and in its place what was attached. */
  parts(): Uint8Array[] {
    const parts: Uint8Array[] = []
    let from = 0
    for (const { at, bytes } of this.#attached ?? []) {
      parts.push(this.#buffer.subarray(from, at), bytes)
      from = at
    }
    parts.push(this.#buffer.subarray(from, this.#at))
    return parts
  }

  /** What was written, without what was attached. */
  finish(): Buffer {
    return this.#buffer.subarray(0, this.#at)
  }

  #varint(value: number): this {
    let rest = value
    this.#room(5)
    while (rest > 127) {
      this.#buffer[this.#at++] = (rest & 127) | 128
      rest >>>= 7
    }
    this.#buffer[this.#at++] = rest
    return this
  }

  #room(bytes: number): void {
    if (this.#at + bytes <= this.#buffer.length) return
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#at + bytes))
    this.#buffer.copy(larger, 0, 0, this.#at)
    this.#buffer = larger
  }
}
