const TWO_32 = 2 ** 32

/**
 * Writes eight bytes, big-endian, as a `long` of the JVM; `value` is an integer within ±(2^53 - 1). Byte by
 * byte: `writeInt32BE` and its like check first what is known here.
 */
export function writeInt64(bytes: Uint8Array, at: number, value: number): void {
  const high = Math.floor(value / TWO_32)
  writeUint32(bytes, at, high)
  writeUint32(bytes, at + 4, value >>> 0)
}

/** Writes four bytes, big-endian, of an integer of 32 bits, with a sign or without. */
export function writeUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24
  bytes[at + 1] = value >>> 16
  bytes[at + 2] = value >>> 8
  bytes[at + 3] = value
}

/**
 * Reads the eight bytes of `writeInt64`; a larger number is rounded. Throws `RangeError` where there are
 * fewer.
 */
export function readInt64(bytes: Uint8Array, at: number): number {
  if (!(at >= 0 && at + 8 <= bytes.length)) throw new RangeError(`no eight bytes at ${at} of ${bytes.length}`)
  const high = (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!
  const low = (bytes[at + 4]! << 24) | (bytes[at + 5]! << 16) | (bytes[at + 6]! << 8) | bytes[at + 7]!
  return high * TWO_32 + (low >>> 0)
}
