import type { Buffer } from 'node:buffer'
import type { Header } from '../../../common/headers.ts'
import type { RawRecord } from '../../broker.ts'

/** A record with headers, which are decoded when somebody asks for them. They have been checked before. */
export class LazyRecord implements RawRecord {
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly timestamp: number
  readonly offset: number
  readonly #buffer: Buffer
  #at: number
  #headers: readonly Header[] | undefined

  /** `headersAt`: where their count stands. */
  constructor(
    key: Uint8Array | null,
    value: Uint8Array | null,
    timestamp: number,
    offset: number,
    buffer: Buffer,
    headersAt: number,
  ) {
    this.key = key
    this.value = value
    this.timestamp = timestamp
    this.offset = offset
    this.#buffer = buffer
    this.#at = headersAt
  }

  get headers(): readonly Header[] {
    this.#headers ??= this.#decode()
    return this.#headers
  }

  #decode(): readonly Header[] {
    const headers: Header[] = []
    for (let left = this.#varint(); left > 0; left -= 1) {
      const keyEnd = this.#varint() + this.#at
      const key = this.#buffer.toString('utf8', this.#at, keyEnd)
      this.#at = keyEnd
      const length = this.#varint()
      const value = length < 0 ? null : this.#buffer.subarray(this.#at, this.#at + length)
      this.#at += Math.max(0, length)
      headers.push({ key, value })
    }
    return headers
  }

  #varint(): number {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const byte = this.#buffer[this.#at++]!
      value |= (byte & 127) << shift
      if (byte < 128) return (value >>> 1) ^ -(value & 1)
    }
  }
}
