import type { Buffer } from 'node:buffer'
import { NO_HEADERS, type Header } from '../../../../common/headers.ts'
import type { RecordInBuffer } from '../../../broker.ts'

/**
 * A record in the buffer of a response. Key and value are sliced at each access, since most serdes read from
 * the buffer itself; headers are decoded at the first access. The decoder has checked the bounds of all.
 */
export class FetchedRecord implements RecordInBuffer {
  readonly buffer: Buffer
  readonly keyStart: number
  readonly keyEnd: number
  readonly valueStart: number
  readonly valueEnd: number
  readonly timestamp: number
  readonly offset: number
  /** Where the headers begin, with their count; -1 without headers. */
  readonly #headersAt: number
  #headers: readonly Header[] | undefined

  /**
   * `headersAt`: where the count of headers stands, or -1. A key or value that ends before its start is null.
   */
  constructor(
    buffer: Buffer,
    keyStart: number,
    keyEnd: number,
    valueStart: number,
    valueEnd: number,
    timestamp: number,
    offset: number,
    headersAt: number,
  ) {
    this.buffer = buffer
    this.keyStart = keyStart
    this.keyEnd = keyEnd
    this.valueStart = valueStart
    this.valueEnd = valueEnd
    this.timestamp = timestamp
    this.offset = offset
    this.#headersAt = headersAt
    this.#headers = headersAt < 0 ? NO_HEADERS : undefined
  }

  get key(): Uint8Array | null {
    return this.keyEnd < this.keyStart ? null : this.buffer.subarray(this.keyStart, this.keyEnd)
  }

  get value(): Uint8Array | null {
    return this.valueEnd < this.valueStart ? null : this.buffer.subarray(this.valueStart, this.valueEnd)
  }

  get headers(): readonly Header[] {
    this.#headers ??= headersFrom(this.buffer, this.#headersAt)
    return this.#headers
  }
}

function headersFrom(buffer: Buffer, headersAt: number): readonly Header[] {
  let at = headersAt
  const varint = (): number => {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const byte = buffer[at++]!
      value |= (byte & 127) << shift
      if (byte < 128) return (value >>> 1) ^ -(value & 1)
    }
  }
  const headers: Header[] = []
  for (let left = varint(); left > 0; left -= 1) {
    const keyEnd = varint() + at
    const key = buffer.toString('utf8', at, keyEnd)
    at = keyEnd
    const length = varint()
    const value = length < 0 ? null : buffer.subarray(at, at + length)
    at += Math.max(0, length)
    headers.push({ key, value })
  }
  return headers
}
