import { Buffer } from 'node:buffer'

export const EMPTY_BYTES: Uint8Array = new Uint8Array(0)

/** Unsigned, byte by byte; a prefix sorts before what it is a prefix of. The order of RocksDB, Level and the JVM original. */
export function compareBytes(left: Uint8Array, right: Uint8Array): number {
  return Buffer.compare(left, right)
}

export function equalBytes(left: Uint8Array | null, right: Uint8Array | null): boolean {
  if (left === null || right === null) return left === right
  return left.length === right.length && Buffer.compare(left, right) === 0
}

/**
 * A string whose code units are the bytes: the key under which bytes go into a `Map`. Its `<` order is the byte order.
 */
export function bytesToMapKey(bytes: Uint8Array): string {
  return asBuffer(bytes).toString('latin1')
}

export function mapKeyToBytes(key: string): Uint8Array {
  return Buffer.from(key, 'latin1')
}

/** Up to here a loop is faster than a call out of JavaScript; measured. */
const LOOP_LENGTH_MAX = 24

/** `mapKeyToBytes` into memory that is there already. */
export function writeMapKey(bytes: Buffer, key: string, at: number): void {
  const { length } = key
  if (length > LOOP_LENGTH_MAX) bytes.write(key, at, 'latin1')
  else for (let i = 0; i < length; i += 1) bytes[at + i] = key.charCodeAt(i)
}

/** Copies all of `source` to that place. */
export function copyInto(bytes: Uint8Array, source: Uint8Array, at: number): void {
  const { length } = source
  if (length > LOOP_LENGTH_MAX) bytes.set(source, at)
  else for (let i = 0; i < length; i += 1) bytes[at + i] = source[i]!
}

/** Copies a piece of `source` to that place. */
export function copyRangeInto(bytes: Buffer, source: Buffer, start: number, end: number, at: number): void {
  if (end - start > LOOP_LENGTH_MAX) source.copy(bytes, at, start, end)
  else for (let from = start, to = at; from < end; from += 1, to += 1) bytes[to] = source[from]!
}

/** The same memory seen as a `Buffer`. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** Owns its memory, so that a slice of a fetch buffer may be kept. */
export function copyBytes(bytes: Uint8Array): Uint8Array {
  const copy = Buffer.allocUnsafe(bytes.length)
  copy.set(bytes)
  return copy
}

export function utf8(text: string): Uint8Array {
  return Buffer.from(text, 'utf8')
}

export function utf8Text(bytes: Uint8Array): string {
  return asBuffer(bytes).toString('utf8')
}

export function hex(bytes: Uint8Array): string {
  return asBuffer(bytes).toString('hex')
}

export function concatBytes(...parts: Uint8Array[]): Uint8Array {
  return Buffer.concat(parts)
}
