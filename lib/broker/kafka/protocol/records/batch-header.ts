import type { Buffer } from 'node:buffer'
import { readInt64 } from '../../../../common/int64.ts'
import { MalformedError } from '../malformed-error.ts'

/** Offset and length: what precedes the part that the length counts. */
export const LOG_OVERHEAD_BYTES = 12
export const HEADER_BYTES = 61
const CURRENT_MAGIC = 2

/** Where the checksum is, and where what it covers begins. */
export const CRC_AT = 17
export const CRC_FROM = 21

export const COMPRESSION_MASK = 7
export const LOG_APPEND_TIME = 8
export const TRANSACTIONAL = 16
export const CONTROL = 32

/**
 * The head of a record batch of format 2 (KIP-98), as far as it is needed to step over it. Read again and
 * again into the same object: there is one for each few records.
 */
export class BatchHeader {
  start = 0
  end = 0
  baseOffset = 0
  /** Of the last record that the batch once had; compaction may have taken it. */
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
   * Reads the batch at `at`; false where `limit` cuts it off, which is how a fetch ends that has reached its
   * number of bytes. Throws `MalformedError` for what is no batch.
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

  /** How large the batch is whose end was cut off; undefined where not even its length came. */
  cutBytes(buffer: Buffer, at: number, limit: number): number | undefined {
    if (at + LOG_OVERHEAD_BYTES > limit) return undefined
    return LOG_OVERHEAD_BYTES + buffer.readInt32BE(at + 8)
  }
}
