import { Buffer } from 'node:buffer'
import { asBuffer } from '../../common/bytes.ts'
import { readTime } from './timed-keys.ts'

const TWO_TO_32 = 0x1_0000_0000

export const TIMESTAMP_BYTES = 8
/** What a row begins with that has headers in front. The first byte of a timestamp is 0 until the year 2,285,428. */
export const WITH_HEADERS = 1

/** `timestamp (8 bytes, big-endian) ‖ value`, as RocksDB has it below the JVM original. */
export function timestampedRow(value: Uint8Array, timestamp: number): Uint8Array {
  return fillRow(Buffer.allocUnsafe(TIMESTAMP_BYTES + value.length), value, timestamp)
}

/** The same in memory that is there already, and of the right length. */
export function fillRow(bytes: Buffer, value: Uint8Array, timestamp: number): Uint8Array {
  bytes.writeInt32BE(Math.floor(timestamp / TWO_TO_32), 0)
  // Of negative times too: a user's store takes any.
  bytes.writeUInt32BE(timestamp >>> 0, 4)
  bytes.set(value, TIMESTAMP_BYTES)
  return bytes
}

/** Where the timestamped row begins: behind the headers, if there are any (`1 ‖ their length (4) ‖ headers`). */
export function headersEnd(row: Uint8Array): number {
  return row[0] === WITH_HEADERS ? 5 + asBuffer(row).readUInt32BE(1) : 0
}

export function timestampOf(row: Uint8Array): number {
  return readTime(asBuffer(row), headersEnd(row))
}
