import type { Buffer } from 'node:buffer'
import { crc32c } from '@node-rs/crc32'
import { readInt64 } from '../../../../common/int64.ts'
import type { RawRecord } from '../../../broker.ts'
import { AbortedTransactions } from './aborted-transactions.ts'
import { BatchHeader, CRC_AT, CRC_FROM, HEADER_BYTES } from '../../protocol/records/batch-header.ts'
import type { AbortedTransaction } from './fetch-response.ts'
import { MalformedError } from '../../protocol/malformed-error.ts'
import { decompressedBytes } from '../../protocol/records/decompressed-bytes.ts'
import { RecordDecoder } from '../../protocol/records/record-decoder.ts'

const ABORT = 0
/**
 * How far an offset may be past the end of the log. A batch's checksum does not cover its offset, so this
 * limit is what finds a mangled one.
 */
const GROWTH_MAX = 2 ** 31

export interface FetchedSpan {
  readonly buffer: Buffer
  readonly start: number
  readonly end: number
  /** The offset that was asked for; the first batch may begin before it. */
  readonly offset: number
  /** The end of the log by the response; the log may have grown while the broker read it. */
  readonly logEnd: number
}

/** Is asked before a compressed batch is opened, with its decompressed size, and told when it was read. */
export interface DecodeGate {
  mayOpen(bytes: number): boolean
  handedOut(bytes: number): void
}

export interface FetchedOptions {
  /** The aborted transactions, for `read_committed`; undefined shows all records. */
  readonly aborted: readonly AbortedTransaction[] | undefined
  readonly checkCrc: boolean
  /** Without a gate every batch may be opened. */
  readonly gate?: DecodeGate | undefined
}

/**
 * The record batches of one partition in one response. Only their headers are read on arrival, for the offset
 * of the next fetch; records are decoded when they are polled, just before they are used.
 */
export class FetchedRecords {
  /** The offset behind the last batch. */
  readonly nextOffset: number
  readonly lastEpoch: number
  readonly bytes: number
  /** The size of the first batch where it was cut off, so that there are no records; undefined if unknown. */
  readonly cutBatchBytes: number | undefined
  readonly #buffer: Buffer
  readonly #end: number
  readonly #aborted: AbortedTransactions | undefined
  readonly #checkCrc: boolean
  readonly #gate: DecodeGate | undefined
  readonly #header = new BatchHeader()
  readonly #decoder: RecordDecoder
  /** Where the next batch begins. */
  #at: number
  #position: number

  /** Throws `MalformedError` for a malformed header. */
  constructor(
    { buffer, start, end, offset, logEnd }: FetchedSpan,
    { aborted, checkCrc, gate }: FetchedOptions,
  ) {
    this.#buffer = buffer
    this.#at = start
    this.#position = offset
    this.#aborted = aborted && new AbortedTransactions(aborted)
    this.#checkCrc = checkCrc
    this.#gate = gate
    this.#decoder = new RecordDecoder(buffer)
    const header = this.#header
    let at = start
    let next = offset
    let epoch = -1
    while (header.read(buffer, at, end)) {
      // The first batch may begin before the offset that was asked for, and must not end before it.
      const first = at === start ? header.lastOffset : header.baseOffset
      if (first < next || header.lastOffset - logEnd > GROWTH_MAX) {
        const { baseOffset, lastOffset } = header
        throw new MalformedError(`a batch of the offsets ${baseOffset} to ${lastOffset} at ${next}`)
      }
      at = header.end
      next = header.lastOffset + 1
      epoch = header.leaderEpoch
    }
    this.#end = at
    this.nextOffset = next
    this.lastEpoch = epoch
    this.bytes = at - start
    this.cutBatchBytes = at === start && end > start ? header.cutBytes(buffer, at, end) : undefined
  }

  get isEmpty(): boolean {
    return this.#at >= this.#end && !this.#decoder.hasMore
  }

  /** The offset of the next record, or a lower one; hidden records move it, too. */
  get position(): number {
    return this.#position
  }

  /** Bytes that were not decoded yet; those of an open batch are counted as they are decompressed. */
  get bytesLeft(): number {
    return this.#end - this.#at + this.#decoder.ownBytesLeft
  }

  /** Memory of the open batch, if it was decompressed. */
  get openBytes(): number {
    return this.#decoder.ownBytes
  }

  /** Frees the memory of the open batch, which is opened again and read on later. */
  closeBatch(): void {
    if (this.#decoder.ownBytes === 0) return
    this.#decoder.close()
    this.#at = this.#header.start
  }

  /**
   * Appends up to `max` records and moves the position, also over hidden ones behind the last (markers,
   * aborted records). False where it ended at a batch that may not be opened yet. Throws `MalformedError`
   * with the position at the malformed batch.
   */
  readInto(out: RawRecord[], max: number): boolean {
    const limit = out.length + max
    const decoder = this.#decoder
    for (;;) {
      if (!decoder.hasMore && !this.#openBatch()) return this.#at >= this.#end
      if (out.length >= limit) return true
      decoder.readInto(out, limit - out.length, this.#position)
      const last = out[out.length - 1]
      if (!decoder.hasMore) this.#endBatch()
      else if (last) this.#position = last.offset + 1
    }
  }

  /** Opens the next batch with visible records. False where none is left, or it may not be opened. */
  #openBatch(): boolean {
    const header = this.#header
    while (this.#at < this.#end) {
      header.read(this.#buffer, this.#at, this.#end)
      if (!this.#mayOpen()) return false
      this.#at = header.end
      if (this.#checkCrc) this.#verify()
      if (!this.#isHidden()) {
        this.#decoder.open(this.#buffer, header)
        if (this.#decoder.hasMore) return true
      }
      this.#position = header.lastOffset + 1
    }
    return false
  }

  #mayOpen(): boolean {
    const { compression, start, end } = this.#header
    if (compression === 0 || this.#gate === undefined) return true
    const bytes = decompressedBytes(compression, this.#buffer.subarray(start + HEADER_BYTES, end))
    return this.#gate.mayOpen(bytes)
  }

  #endBatch(): void {
    this.#position = this.#header.lastOffset + 1
    if (this.#decoder.ownBytes === 0) return
    this.#gate?.handedOut(this.#decoder.ownBytes)
    this.#decoder.close()
  }

  #verify(): void {
    const { start, end } = this.#header
    const expected = this.#buffer.readUInt32BE(start + CRC_AT)
    if (crc32c(this.#buffer.subarray(start + CRC_FROM, end)) !== expected) {
      throw new MalformedError(`the checksum of the batch at offset ${this.#header.baseOffset} is wrong`)
    }
  }

  #isHidden(): boolean {
    const header = this.#header
    const aborted = this.#aborted
    if (!aborted) return header.isControl
    const producerId = readInt64(this.#buffer, header.start + 43)
    if (producerId >= 0) aborted.reached(header.lastOffset)
    if (header.isControl) {
      if (this.#isAbortMarker()) aborted.ended(producerId)
      return true
    }
    return header.isTransactional && aborted.isAborted(producerId)
  }

  /** A control record's key is a version and a type, two bytes each. Markers are never compressed. */
  #isAbortMarker(): boolean {
    const { start, end, baseOffset } = this.#header
    // In front of the key there are five bytes: length, attributes, two deltas, length of the key.
    const keyAt = start + HEADER_BYTES + 5
    if (keyAt + 4 > end) throw new MalformedError(`the marker at offset ${baseOffset} has no type`)
    return this.#buffer.readInt16BE(keyAt + 2) === ABORT
  }
}
