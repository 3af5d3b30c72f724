import { Buffer } from 'node:buffer'
import { readInt64 } from '../../../../common/int64.ts'
import type { RawRecord } from '../../../broker.ts'
import { LOG_APPEND_TIME, type BatchHeader, HEADER_BYTES } from './batch-header.ts'
import { decompress } from './codecs.ts'
import { FetchedRecord } from './fetched-record.ts'
import { MalformedError } from '../malformed-error.ts'

const NO_BYTES = Buffer.alloc(0)

/**
 * Reads the records of one batch after the other. This is the innermost loop of reading: numbers are parsed
 * in place, and the only object made for a record is the record.
 *
 * No read of a number is checked by itself: past the end of the buffer it gives 0, and then the length of the
 * record does not match.
 */
export class RecordDecoder {
  #buffer: Buffer
  #isOwn = false
  #at = 0
  #end = 0
  #left = 0
  #baseOffset = 0
  #lastOffset = 0
  #nextOffset = 0
  #baseTimestamp = 0
  /** The timestamp of all records of a batch with `LogAppendTime`; undefined for other batches. */
  #appendTimestamp: number | undefined

  constructor(buffer: Buffer) {
    this.#buffer = buffer
  }

  /** Whether records of the batch are still to be read. */
  get hasMore(): boolean {
    return this.#left > 0
  }

  /** Memory of the open batch where it was decompressed; 0 where it lies in the response's buffer. */
  get ownBytes(): number {
    return this.#isOwn ? this.#buffer.length : 0
  }

  /** The part of `ownBytes` that is still to be read. */
  get ownBytesLeft(): number {
    return this.#isOwn ? this.#end - this.#at : 0
  }

  /** Lets go of the batch. */
  close(): void {
    this.#left = 0
    this.#isOwn = false
    this.#buffer = NO_BYTES
  }

  open(buffer: Buffer, header: BatchHeader): void {
    const { start, end } = header
    const count = buffer.readInt32BE(start + 57)
    const compression = header.compression
    this.#left = count
    this.#baseOffset = header.baseOffset
    this.#nextOffset = header.baseOffset
    this.#lastOffset = header.lastOffset
    this.#baseTimestamp = readInt64(buffer, start + 27)
    this.#appendTimestamp = header.attributes & LOG_APPEND_TIME ? readInt64(buffer, start + 35) : undefined
    if (count < 0) throw new MalformedError(`a batch of ${count} records`)
    this.#isOwn = compression !== 0 && count !== 0
    if (!this.#isOwn) {
      this.#buffer = buffer
      this.#at = start + HEADER_BYTES
      this.#end = end
    } else {
      this.#buffer = decompress(compression, buffer.subarray(start + HEADER_BYTES, end))
      this.#at = 0
      this.#end = this.#buffer.length
    }
    if (count === 0 && this.#at !== this.#end) throw new MalformedError('an empty batch with bytes in it')
  }

  /** Appends up to `max` records from offset `from` on; earlier ones are skipped. */
  readInto(out: RawRecord[], max: number, from: number): void {
    const limit = out.length + max
    while (this.#left > 0 && out.length < limit) {
      const record = this.#readRecord(from)
      this.#left -= 1
      if (record !== undefined) out.push(record)
    }
    if (this.#left === 0 && this.#at !== this.#end) {
      throw new MalformedError(`${this.#end - this.#at} bytes are left behind the last record of a batch`)
    }
  }

  #readRecord(from: number): RawRecord | undefined {
    const length = this.#varint()
    const end = this.#at + length
    if (length < 0 || end > this.#end)
      throw new MalformedError(`a record of ${length} bytes runs over its batch`)
    this.#at += 1 // attributes: none are defined
    const timestampDelta = this.#varlong()
    const offset = this.#baseOffset + this.#varint()
    if (offset < this.#nextOffset || offset > this.#lastOffset) {
      throw new MalformedError(`offset ${offset} in a batch from ${this.#nextOffset} to ${this.#lastOffset}`)
    }
    this.#nextOffset = offset + 1
    if (offset < from) {
      this.#at = end
      return undefined
    }
    const keyLength = this.#varint()
    const keyStart = this.#at
    if (keyLength > 0) this.#at = keyStart + keyLength
    const valueLength = this.#varint()
    const valueStart = this.#at
    if (valueLength > 0) this.#at = valueStart + valueLength
    const headersAt = this.#at
    const headerCount = this.#varint()
    if (headerCount !== 0) this.#skipHeaders(headerCount)
    if (this.#at !== end) throw new MalformedError(`the record at offset ${offset} is not as long as it says`)
    const timestamp = this.#appendTimestamp ?? this.#baseTimestamp + timestampDelta
    return new FetchedRecord(
      this.#buffer,
      keyStart,
      keyStart + keyLength,
      valueStart,
      valueStart + valueLength,
      timestamp,
      offset,
      headerCount === 0 ? -1 : headersAt,
    )
  }

  /** Headers are checked and not decoded, since few readers use them. */
  #skipHeaders(count: number): void {
    // A header has at least two bytes, so a mangled count cannot make this loop for long.
    if (count < 0 || count > this.#end - this.#at) throw new MalformedError(`${count} headers`)
    for (let left = count; left > 0; left -= 1) {
      const keyLength = this.#varint()
      if (keyLength < 0) throw new MalformedError('a header without a key')
      this.#at += keyLength
      const valueLength = this.#varint()
      this.#at += Math.max(0, valueLength)
      if (this.#at > this.#end) throw new MalformedError('a header runs over its batch')
    }
  }

  /** A number of 32 bits as a zigzag varint. */
  #varint(): number {
    const buffer = this.#buffer
    let byte = buffer[this.#at++]!
    if (byte < 128) return (byte >>> 1) ^ -(byte & 1)
    let value = byte & 127
    for (let shift = 7; shift < 35; shift += 7) {
      byte = buffer[this.#at++]!
      value |= (byte & 127) << shift
      if (!(byte >= 128)) return (value >>> 1) ^ -(value & 1)
    }
    throw new MalformedError('a varint is too long')
  }

  #varlong(): number {
    const start = this.#at
    const buffer = this.#buffer
    let value = 0
    let scale = 1
    // Six groups of seven bits fit a number exactly, also when the zigzag is undone.
    for (let group = 0; group < 6; group += 1) {
      const byte = buffer[this.#at++]!
      value += (byte & 127) * scale
      if (!(byte >= 128)) return value % 2 === 0 ? value / 2 : -(value + 1) / 2
      scale *= 128
    }
    this.#at = start
    return this.#longVarlong()
  }

  #longVarlong(): number {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#buffer[this.#at++]!
      value |= BigInt(byte & 127) << shift
      if (!(byte >= 128)) return Number((value >> 1n) ^ -(value & 1n))
    }
    throw new MalformedError('a varlong is too long')
  }
}
