import { Buffer } from 'node:buffer'
import { assert } from '../../../common/assert.ts'
import { asBuffer } from '../../../common/bytes.ts'
import { type Header, NO_HEADERS } from '../../../common/headers.ts'
import { NULL_LENGTH, StoredRecord } from './stored-record.ts'

const FORMAT = 1
const RECORD_HEAD_BYTES = 4 + 8 + 4 + 4 + 2

/**
 * A chunk as one binary value: format byte, base offset, record count, then each record with its offset as a
 * difference, its lengths (-1: null), headers, key and value. One value a chunk keeps Level's own overhead
 * off the single record.
 */
export function encodeRecords(records: readonly StoredRecord[], baseOffset: number): Buffer {
  const target = Buffer.allocUnsafe(encodedBytes(records))
  target.writeUInt8(FORMAT, 0)
  target.writeDoubleLE(baseOffset, 1)
  target.writeUInt32LE(records.length, 9)
  let at = 13
  for (const record of records) at = writeRecord(target, at, record, baseOffset)
  assert(at === target.length, `a chunk of ${target.length} bytes was filled with ${at}`)
  return target
}

/** The records' bytes stay in `source`. */
export function decodeRecords(source: Uint8Array): StoredRecord[] {
  const buffer = asBuffer(source)
  assert(buffer[0] === FORMAT, `chunk format ${buffer[0]} is unknown`)
  const reader = new ChunkReader(buffer, buffer.readDoubleLE(1))
  const count = buffer.readUInt32LE(9)
  const records = new Array<StoredRecord>(count)
  for (let index = 0; index < count; index++) records[index] = reader.record()
  return records
}

function encodedBytes(records: readonly StoredRecord[]): number {
  let bytes = 13
  for (const record of records) {
    bytes += RECORD_HEAD_BYTES + record.contentBytes
    for (const header of record.headers)
      bytes += 8 + Buffer.byteLength(header.key) + (header.value?.length ?? 0)
  }
  return bytes
}

function writeRecord(target: Buffer, start: number, record: StoredRecord, baseOffset: number): number {
  let at = target.writeUInt32LE(record.offset - baseOffset, start)
  at = target.writeDoubleLE(record.timestamp, at)
  at = target.writeInt32LE(record.keyLength, at)
  at = target.writeInt32LE(record.valueLength, at)
  at = target.writeUInt16LE(record.headers.length, at)
  for (const header of record.headers) at = writeHeader(target, at, header)
  record.copyContent(target, at)
  return at + record.contentBytes
}

function writeHeader(target: Buffer, start: number, { key, value }: Header): number {
  let at = target.writeInt32LE(Buffer.byteLength(key), start)
  at = target.writeInt32LE(value ? value.length : NULL_LENGTH, at)
  at += target.write(key, at)
  return writeBytes(target, at, value)
}

function writeBytes(target: Buffer, at: number, bytes: Uint8Array | null): number {
  if (bytes === null) return at
  target.set(bytes, at)
  return at + bytes.length
}

class ChunkReader {
  readonly #buffer: Buffer
  readonly #view: DataView
  readonly #baseOffset: number
  #at = 13

  constructor(buffer: Buffer, baseOffset: number) {
    this.#buffer = buffer
    this.#view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length)
    this.#baseOffset = baseOffset
  }

  record(): StoredRecord {
    const view = this.#view
    const at = this.#at
    const offset = this.#baseOffset + view.getUint32(at, true)
    const timestamp = view.getFloat64(at + 4, true)
    const keyLength = view.getInt32(at + 12, true)
    const valueLength = view.getInt32(at + 16, true)
    const headerCount = view.getUint16(at + 20, true)
    this.#at = at + RECORD_HEAD_BYTES
    const headers = headerCount === 0 ? NO_HEADERS : this.#headers(headerCount)
    const start = this.#at
    this.#at = start + Math.max(keyLength, 0) + Math.max(valueLength, 0)
    return new StoredRecord(this.#buffer, start, keyLength, valueLength, timestamp, offset, headers)
  }

  #headers(count: number): Header[] {
    return Array.from({ length: count }, () => {
      const keyLength = this.#view.getInt32(this.#at, true)
      const valueLength = this.#view.getInt32(this.#at + 4, true)
      const keyStart = this.#at + 8
      this.#at = keyStart + keyLength
      const key = this.#buffer.toString('utf8', keyStart, this.#at)
      return { key, value: this.#bytes(valueLength) }
    })
  }

  #bytes(length: number): Uint8Array | null {
    if (length === NULL_LENGTH) return null
    const start = this.#at
    this.#at = start + length
    return new Uint8Array(this.#buffer.buffer, this.#buffer.byteOffset + start, length)
  }
}
