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
 * A log cannot grow by so much during one read. Offsets are not under a batch's checksum, so this is what
 * finds a mangled one.
 */
const GROWTH_MAX = 2 ** 31

export interface FetchedSpan {
  readonly buffer: Buffer
  readonly start: number
  readonly end: number
  /** The offset that was asked for: the first batch may begin before it. */
  readonly offset: number
  /** The end of the log as the broker said; it may have grown while the broker was reading. */
  readonly logEnd: number
}

/**
 * Asked before a compressed batch is opened, with the bytes that it will take; and told when it is at its
 * end.
 */
export interface DecodeGate {
  mayOpen(bytes: number): boolean
  handedOut(bytes: number): void
}

export interface FetchedOptions {
  /** Of read_committed; undefined shows everything. */
  readonly aborted: readonly AbortedTransaction[] | undefined
  readonly checkCrc: boolean
  /** Default: whatever comes is opened. */
  readonly gate?: DecodeGate | undefined
}

/**
 * The record batches that one fetch brought of one partition. Only their heads are looked at when they
 * arrive, to know from where to fetch on; records are decoded when they are polled, so that they are made
 * just before they are used.
 */
export class FetchedRecords {
  /** Past everything in here; known at once. */
  readonly nextOffset: number
  readonly lastEpoch: number
  readonly bytes: number
  /**
   * The batch at the front was cut off, so nothing is here; so large it is, or undefined where it is not
   * known.
   */
  readonly cutBatchBytes: number | undefined
  readonly #buffer: Buffer
  readonly #end: number
  readonly #aborted: AbortedTransactions | undefined
  readonly #checkCrc: boolean
  readonly #gate: DecodeGate | undefined
  readonly #header = new BatchHeader()
  readonly #decoder: RecordDecoder
  /** Of the next batch. */
  #at: number
  #position: number

  /** Throws `MalformedError` where a head makes no sense. */
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
      // The first batch may begin before the offset that was asked for, but does not end before it.
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

  /** The offset of the next record at least; it moves over what is not shown. */
  get position(): number {
    return this.#position
  }

  /** Bytes that were not decoded yet; of a batch that is decompressed already, as they are in memory. */
  get bytesLeft(): number {
    return this.#end - this.#at + this.#decoder.ownBytesLeft
  }

  /** Memory of the batch that is open, where it was decompressed. */
  get openBytes(): number {
    return this.#decoder.ownBytes
  }

  /** Lets go of that memory: the batch is opened again, and read from where it was. */
  closeBatch(): void {
    if (this.#decoder.ownBytes === 0) return
    this.#decoder.close()
    this.#at = this.#header.start
  }

  /**
   * Appends up to `max` records and moves the position; what follows the last one and is not shown (markers,
   * aborted records) is stepped over, too. False where it ended because a batch may not be opened yet. Throws
   * `MalformedError`; the position then is that of the batch at fault.
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

  /** Goes to the next batch with records to show; false where none is left, or it may not be opened. */
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
    // The lengths of the record, its attributes, both deltas and the length of the key take a byte each.
    const keyAt = start + HEADER_BYTES + 5
    if (keyAt + 4 > end) throw new MalformedError(`the marker at offset ${baseOffset} has no type`)
    return this.#buffer.readInt16BE(keyAt + 2) === ABORT
  }
}
