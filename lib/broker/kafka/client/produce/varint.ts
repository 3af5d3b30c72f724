import type { Buffer } from 'node:buffer'

/**
 * The size of a length, a count or an offset as a varint: zigzag, then seven bits a byte, the least
 * significant first. The value is not negative, but for -1, which stands for null.
 */
export function varintBytes(value: number): number {
  return bytesOf(value < 0 ? 1 : value * 2)
}

function bytesOf(zigzag: number): number {
  if (zigzag < 0x80) return 1
  if (zigzag < 0x4000) return 2
  if (zigzag < 0x20_0000) return 3
  return zigzag < 0x1000_0000 ? 4 : 5
}

/** Writes what `varintBytes` measures. Returns where the next byte goes. */
export function writeVarint(buffer: Buffer, start: number, value: number): number {
  return write(buffer, start, value < 0 ? 1 : value * 2)
}

function write(buffer: Buffer, start: number, zigzag: number): number {
  let at = start
  let rest = zigzag
  while (rest > 127) {
    buffer[at++] = (rest & 127) | 128
    rest >>>= 7
  }
  buffer[at++] = rest
  return at
}

const SMALL = 2 ** 30

/** The size of an integer as a varint, also of a negative one. */
export function varlongBytes(value: number): number {
  if (isSmall(value)) return bytesOf(smallZigzagOf(value))
  let bytes = 1
  for (let rest = zigzagOf(value); rest > 127n; rest >>= 7n) bytes += 1
  return bytes
}

export function writeVarlong(buffer: Buffer, start: number, value: number): number {
  if (isSmall(value)) return write(buffer, start, smallZigzagOf(value))
  let at = start
  let rest = zigzagOf(value)
  for (; rest > 127n; rest >>= 7n) buffer[at++] = Number(rest & 127n) | 128
  buffer[at++] = Number(rest)
  return at
}

function isSmall(value: number): boolean {
  return value > -SMALL && value < SMALL
}

function smallZigzagOf(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value
}

/** The zigzag form as a bigint: twice the value may not fit a number exactly. */
function zigzagOf(value: number): bigint {
  const exact = BigInt(value)
  return exact >= 0n ? exact * 2n : -exact * 2n - 1n
}
