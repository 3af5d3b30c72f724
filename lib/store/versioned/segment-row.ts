import { Buffer } from 'node:buffer'
import { asBuffer } from '../../common/bytes.ts'
import { readInt64, writeInt64 } from '../../common/int64.ts'

/** A value and the time from which it holds; null: from then on there was none. */
export interface RowVersion {
  readonly timestamp: number
  readonly value: Uint8Array | null
}

const HEAD_BYTES = 12
const VERSION_BYTES = 12
const NO_VALUE = -1

/**
 * The versions of one key that ended within one segment of time, newest first and without gaps: each holds
 * until the one before it begins, the newest until `nextMs`. Without any version, the row says only that the
 * key had no value from `nextMs` on.
 *
 * As bytes: `nextMs (8) ‖ count (4) ‖ { timestamp (8) ‖ length of the value, −1 for none (4) } … ‖ values`.
 */
export class SegmentRow {
  nextMs: number
  readonly versions: RowVersion[]

  constructor(nextMs: number, versions: RowVersion[]) {
    this.nextMs = nextMs
    this.versions = versions
  }

  static parse(bytes: Uint8Array): SegmentRow {
    const buffer = asBuffer(bytes)
    const count = buffer.readUInt32BE(8)
    const versions: RowVersion[] = []
    let valueAt = HEAD_BYTES + count * VERSION_BYTES
    for (let at = HEAD_BYTES; versions.length < count; at += VERSION_BYTES) {
      const timestamp = readInt64(buffer, at)
      const length = buffer.readInt32BE(at + 8)
      if (length === NO_VALUE) {
        versions.push({ timestamp, value: null })
      } else {
        versions.push({ timestamp, value: bytes.subarray(valueAt, valueAt + length) })
        valueAt += length
      }
    }
    return new SegmentRow(readInt64(buffer, 0), versions)
  }

  /** Time from which on the row has versions. */
  get minMs(): number {
    return this.versions[this.versions.length - 1]?.timestamp ?? this.nextMs
  }

  /** The version of that time, which must be from `minMs` up to `nextMs`. */
  indexAt(timeMs: number): number {
    let low = 0
    let high = this.versions.length - 1
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.versions[middle]!.timestamp <= timeMs) high = middle
      else low = middle + 1
    }
    return low
  }

  validToMs(index: number): number {
    return index === 0 ? this.nextMs : this.versions[index - 1]!.timestamp
  }

  /** Adds a version later than all others; if there is time between them, there was no value in it. */
  insertAsLatest(version: RowVersion, validToMs: number): void {
    if (version.timestamp !== this.nextMs) this.versions.unshift({ timestamp: this.nextMs, value: null })
    this.versions.unshift(version)
    this.nextMs = validToMs
  }

  serialize(): Uint8Array {
    const { versions } = this
    let valueAt = HEAD_BYTES + versions.length * VERSION_BYTES
    const size = versions.reduce((sum, { value }) => sum + (value?.length ?? 0), valueAt)
    const bytes = Buffer.allocUnsafe(size)
    writeInt64(bytes, 0, this.nextMs)
    bytes.writeUInt32BE(versions.length, 8)
    let at = HEAD_BYTES
    for (const { timestamp, value } of versions) {
      writeInt64(bytes, at, timestamp)
      bytes.writeInt32BE(value === null ? NO_VALUE : value.length, at + 8)
      if (value !== null) {
        bytes.set(value, valueAt)
        valueAt += value.length
      }
      at += VERSION_BYTES
    }
    return bytes
  }
}
