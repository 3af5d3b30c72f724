import type { Buffer } from 'node:buffer'
import { readInt64 } from '../../../../common/int64.ts'
import { MalformedError } from '../malformed-error.ts'

/** The base offset and the length, which a batch's length does not count. */
export const LOG_OVERHEAD_BYTES = 12
export const HEADER_BYTES = 61
const CURRENT_MAGIC = 2

/** Where the checksum stands, and where the bytes that it covers begin. */
export const CRC_AT = 17
export const CRC_FROM = 21

export const COMPRESSION_MASK = 7
export const LOG_APPEND_TIME = 8
export const TRANSACTIONAL = 16
export const CONTROL = 32

/**
 * The header of a record batch of format 2 (KIP-98), as far as reading needs it. One object is used for batch
 * after batch, since a batch may have only a few records.
 */
export class BatchHeader {
  start = 0
  end = 0
  baseOffset = 0
  /** The offset of the last record that the batch was written with; compaction may have removed it. */
  lastOffset = 0
  leaderEpoch = 0
  attributes = 0

  get isControl(): boolean {
    return (this.attributes & CONTROL) !== 0
  }

  get isTransactional(): boolean {
    return (this.attributes & TRANSACTIONAL) !== 0
  }

  get compression(): number {
    return this.attributes & COMPRESSION_MASK
  }

  /**
   * Reads the header of the batch at `at`. False where `limit` cuts the batch off: a response ends in the
   * middle of a batch where its limit of bytes is reached. Throws `MalformedError` where there is no batch.
   */
  read(buffer: Buffer, at: number, limit: number): boolean {
    if (at + HEADER_BYTES > limit) return false
    const length = buffer.readInt32BE(at + 8)
    const magic = buffer[at + 16]!
    if (magic !== CURRENT_MAGIC) {
      throw new MalformedError(
        `format ${magic} of the record batch at ${at}: formats before 2 need fetch "native"`,
      )
    }
    if (length < HEADER_BYTES - LOG_OVERHEAD_BYTES)
      throw new MalformedError(`a batch of ${length} bytes at ${at}`)
    this.start = at
    this.end = at + LOG_OVERHEAD_BYTES + length
    if (this.end > limit) return false
    this.baseOffset = readInt64(buffer, at)
    this.leaderEpoch = buffer.readInt32BE(at + 12)
    this.attributes = buffer.readInt16BE(at + CRC_FROM)
    this.lastOffset = this.baseOffset + buffer.readInt32BE(at + 23)
    if (this.baseOffset < 0 || this.lastOffset < this.baseOffset || !Number.isSafeInteger(this.lastOffset)) {
      throw new MalformedError(`the offsets ${this.baseOffset} to ${this.lastOffset} of the batch at ${at}`)
    }
    return true
  }

  /** The size of a batch that `read` found cut off; undefined where its length was cut off, too. */
  cutBytes(buffer: Buffer, at: number, limit: number): number | undefined {
    if (at + LOG_OVERHEAD_BYTES > limit) return undefined
    return LOG_OVERHEAD_BYTES + buffer.readInt32BE(at + 8)
  }
}
