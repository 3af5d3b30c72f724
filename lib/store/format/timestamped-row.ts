import { Buffer } from 'node:buffer'
import { asBuffer, copyInto } from '../../common/bytes.ts'
import { readInt64, writeInt64 } from '../../common/int64.ts'
import { invalidTimestamp, isTimestamp } from '../../common/timestamps.ts'
import type { SerdeContext } from '../../serde/serde.ts'

export const TIMESTAMP_BYTES = 8
/** First byte of a row with headers. The first byte of a timestamp is 0 until the year 2,285,428. */
export const WITH_HEADERS = 1

/** A row `timestamp (8 bytes, big-endian) ‖ value`, as RocksDB has it below Kafka Streams. */
export function timestampedRow(value: Uint8Array, timestamp: number): Uint8Array {
  return fillRow(Buffer.allocUnsafe(TIMESTAMP_BYTES + value.length), value, timestamp)
}

/**
 * Throws for a value that is no time, which a user's processor may put: it would be rounded here, and refused
 * by the broker.
 */
export function checkTimestamp(timestamp: unknown, { topic }: SerdeContext): void {
  if (!isTimestamp(timestamp))
    throw invalidTimestamp(`a row of "${topic}" cannot have as its timestamp`, timestamp)
}

/** Writes a row into present memory of the right length. */
export function fillRow(bytes: Buffer, value: Uint8Array, timestamp: number): Uint8Array {
  writeInt64(bytes, 0, timestamp)
  copyInto(bytes, TIMESTAMP_BYTES, value)
  return bytes
}

/**
 * The end of a row's headers, where the timestamped row begins (`1 ‖ their length (4) ‖ headers`); 0 without
 * headers.
 */
export function headersEnd(row: Uint8Array): number {
  return row[0] === WITH_HEADERS ? 5 + asBuffer(row).readUInt32BE(1) : 0
}

export function timestampOf(row: Uint8Array): number {
  return readInt64(row, headersEnd(row))
}
