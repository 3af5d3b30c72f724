import { Buffer } from 'node:buffer'
import { copyInto } from '../../../../common/bytes.ts'
import { writeInt64 } from '../../../../common/int64.ts'
import { crc32c } from '@node-rs/crc32'
import type { Header } from '../../../../common/headers.ts'
import type { OutgoingRecord, RawRecord } from '../../../broker.ts'
import {
  BatchHeader,
  CRC_AT,
  CRC_FROM,
  HEADER_BYTES,
  LOG_OVERHEAD_BYTES,
  TRANSACTIONAL,
} from '../../protocol/records/batch-header.ts'
import { RecordDecoder } from '../../protocol/records/record-decoder.ts'
import type { Codec } from '../../protocol/records/codecs.ts'
import { headerKeyBytes } from './header-keys.ts'
import type { SlabPool } from './slab-pool.ts'
import { varintBytes, varlongBytes, writeVarint, writeVarlong } from './varint.ts'

/** The most bytes of a record beside key, value and headers: lengths, attributes and deltas. */
const RECORD_OVERHEAD_BYTES_MAX = 36
const HEADER_OVERHEAD_BYTES_MAX = 10
const CURRENT_MAGIC = 2

/** The identity of a producer. The broker accepts each of its sequence numbers once per partition. */
export interface ProducerIdentity {
  readonly producerId: number
  readonly epoch: number
}

/** The most bytes that a record takes in a batch. */
export function recordBytesMax({ key, value, headers }: OutgoingRecord): number {
  let bytes = RECORD_OVERHEAD_BYTES_MAX
  if (key !== null) bytes += key.length
  if (value !== null) bytes += value.length
  if (headers.length > 0) bytes += headerBytesMax(headers)
  return bytes
}

function headerBytesMax(headers: readonly Header[]): number {
  let bytes = 0
  for (const { key, value } of headers) {
    bytes += HEADER_OVERHEAD_BYTES_MAX + headerKeyBytes(key).length + (value?.length ?? 0)
  }
  return bytes
}

/**
 * Records of one partition in Kafka's format 2. They are written into a slab as they come, behind space for
 * the batch's header. A batch that was sent is never changed, so that the broker recognises it when it comes
 * again.
 */
export class OutgoingBatch {
  /** The number of the batch, in the order in which the producer opened its batches. */
  readonly number: number
  readonly openedAtMs: number
  /** Since when the batch may be sent; its delivery timeout counts from here. */
  sendableSinceMs: number
  readonly #pool: SlabPool
  #slab: Buffer
  #at = HEADER_BYTES
  #count = 0
  #baseTimestamp = 0
  #maxTimestamp = 0
  /** The bytes to send, after `seal`; `stamp` writes their header. */
  #sealed: Buffer | undefined
  #sequence = -1
  #identity: ProducerIdentity | undefined
  #codec = 0
  /** Attempts whose outcome is unknown; while there are any, the batch may be in the log. */
  unknownOutcomes = 0
  /** Answers with an error so far. */
  failures = 0

  constructor(number: number, openedAtMs: number, pool: SlabPool, bytes: number) {
    this.number = number
    this.openedAtMs = openedAtMs
    this.sendableSinceMs = openedAtMs
    this.#pool = pool
    this.#slab = pool.take(bytes)
  }

  get count(): number {
    return this.#count
  }

  /** Bytes of header and records, not compressed. */
  get bytes(): number {
    return this.#at
  }

  /** Bytes of the records, not compressed. */
  get recordBytes(): number {
    return this.#at - HEADER_BYTES
  }

  get sealedBytes(): number {
    return this.#sealed?.length ?? this.#at
  }

  get identity(): ProducerIdentity | undefined {
    return this.#identity
  }

  /**
   * Adds a record, of which `bytesMax` is `recordBytesMax`. Returns by how many bytes the batch has grown.
   */
  append(record: OutgoingRecord, bytesMax: number): number {
    const before = this.#at
    if (before + bytesMax > this.#slab.length) this.#grow(before + bytesMax)
    const { key, value, headers } = record
    const timestamp = Math.trunc(record.timestamp)
    const offset = this.#count
    if (offset === 0) {
      this.#baseTimestamp = timestamp
      this.#maxTimestamp = timestamp
    } else if (timestamp > this.#maxTimestamp) this.#maxTimestamp = timestamp
    this.#count = offset + 1
    const delta = timestamp - this.#baseTimestamp
    const keyLength = key === null ? -1 : key.length
    const valueLength = value === null ? -1 : value.length
    const headerBytes = headers.length === 0 ? 1 : headersBytes(headers)
    const bodyBytes =
      1 +
      varlongBytes(delta) +
      varintBytes(offset) +
      varintBytes(keyLength) +
      (keyLength > 0 ? keyLength : 0) +
      varintBytes(valueLength) +
      (valueLength > 0 ? valueLength : 0) +
      headerBytes
    const slab = this.#slab
    let at = writeVarint(slab, before, bodyBytes)
    slab[at++] = 0 // attributes: none are defined
    at = writeVarlong(slab, at, delta)
    at = writeVarint(slab, at, offset)
    at = writeVarint(slab, at, keyLength)
    if (key !== null) at = copyInto(slab, at, key)
    at = writeVarint(slab, at, valueLength)
    if (value !== null) at = copyInto(slab, at, value)
    if (headers.length === 0) slab[at++] = 0
    else at = writeHeaders(slab, at, headers)
    this.#at = at
    return at - before
  }

  /** Ends the records. Compression frees the slab at once. */
  seal({ number, compress }: Codec): void {
    if (this.#sealed) return
    this.#codec = number
    if (!compress) {
      this.#sealed = this.#slab.subarray(0, this.#at)
      return
    }
    const compressed = compress(this.#slab.subarray(HEADER_BYTES, this.#at))
    this.#sealed = Buffer.concat([Buffer.alloc(HEADER_BYTES), compressed])
    this.#pool.give(this.#slab)
  }

  /** Writes the header, with the producer's identity and the batch's sequence number. */
  stamp(identity: ProducerIdentity, sequence: number, isTransactional: boolean): void {
    const bytes = this.#sealed!
    this.#identity = identity
    this.#sequence = sequence
    writeInt64(bytes, 0, 0)
    bytes.writeInt32BE(bytes.length - LOG_OVERHEAD_BYTES, 8)
    bytes.writeInt32BE(-1, 12)
    bytes[16] = CURRENT_MAGIC
    bytes.writeInt16BE(this.#codec | (isTransactional ? TRANSACTIONAL : 0), CRC_FROM)
    bytes.writeInt32BE(this.#count - 1, 23)
    writeInt64(bytes, 27, this.#baseTimestamp)
    writeInt64(bytes, 35, this.#maxTimestamp)
    writeInt64(bytes, 43, identity.producerId)
    bytes.writeInt16BE(identity.epoch, 51)
    bytes.writeInt32BE(sequence, 53)
    bytes.writeInt32BE(this.#count, 57)
    bytes.writeUInt32BE(crc32c(bytes.subarray(CRC_FROM)), CRC_AT)
  }

  /** The bytes to send, of a batch that is stamped. */
  get wireBytes(): Buffer {
    return this.#sealed!
  }

  get sequence(): number {
    return this.#sequence
  }

  /** The records, decoded from the batch: their keys and values are slices of it. */
  records(): RawRecord[] {
    // A batch that was not sent yet has no header to decode.
    this.stamp(this.#identity ?? { producerId: -1, epoch: -1 }, this.#sequence, false)
    const bytes = this.#sealed!
    const header = new BatchHeader()
    header.read(bytes, 0, bytes.length)
    const decoder = new RecordDecoder(bytes)
    decoder.open(bytes, header)
    const records: RawRecord[] = []
    decoder.readInto(records, this.#count, 0)
    return records
  }

  /** Gives the memory back to the pool; the batch must not be used any more. */
  release(): void {
    if (this.#codec === 0) this.#pool.give(this.#slab)
  }

  #grow(bytes: number): void {
    const larger = this.#pool.take(Math.max(bytes, this.#slab.length * 2))
    this.#slab.copy(larger, 0, 0, this.#at)
    this.#pool.give(this.#slab)
    this.#slab = larger
  }
}

function headersBytes(headers: readonly Header[]): number {
  let bytes = varintBytes(headers.length)
  for (const { key, value } of headers) {
    const keyLength = headerKeyBytes(key).length
    bytes += varintBytes(keyLength) + keyLength
    bytes += value === null ? 1 : varintBytes(value.length) + value.length
  }
  return bytes
}

function writeHeaders(slab: Buffer, start: number, headers: readonly Header[]): number {
  let at = writeVarint(slab, start, headers.length)
  for (const { key, value } of headers) {
    const keyBytes = headerKeyBytes(key)
    at = writeVarint(slab, at, keyBytes.length)
    at = copyInto(slab, at, keyBytes)
    at = writeVarint(slab, at, value === null ? -1 : value.length)
    if (value !== null) at = copyInto(slab, at, value)
  }
  return at
}
