import type { Buffer } from 'node:buffer'

/** The size of malformed input: decompressing it is what throws. */
const UNKNOWN = 0
const XERIAL_MAGIC = 0x82534e41
const XERIAL_HEADER_BYTES = 16
const LZ4_UNCOMPRESSED = 0x80000000
const ZSTD_MAGIC = 0xfd2fb528
const ZSTD_BLOCK_BYTES_MAX = 128 * 1024

/** Size readers by the codec's number in a batch's attributes. */
const SIZES: readonly ((input: Buffer) => number)[] = [({ length }) => length, gzip, snappy, lz4, zstd]

/**
 * How many bytes the records of a batch take when decompressed, or slightly more, as the frames say: memory
 * is reserved before. A wrong size in mangled bytes is noticed when they are decompressed.
 */
export function decompressedBytes(codec: number, input: Buffer): number {
  return SIZES[codec]?.(input) ?? UNKNOWN
}

/** A gzip stream ends with its size. Batches have one member. */
function gzip(input: Buffer): number {
  return input.length < 18 ? UNKNOWN : input.readUInt32LE(input.length - 4)
}

/** Snappy is one block, or a header and many blocks. */
function snappy(input: Buffer): number {
  if (input.length < XERIAL_HEADER_BYTES || input.readUInt32BE(0) !== XERIAL_MAGIC) return varint(input, 0)
  let bytes = 0
  for (let at = XERIAL_HEADER_BYTES; at + 4 < input.length; at += 4 + input.readUInt32BE(at)) {
    bytes += varint(input, at + 4)
  }
  return bytes
}

function varint(input: Buffer, start: number): number {
  let value = 0
  for (let at = start; at < Math.min(start + 5, input.length); at += 1) {
    value += (input[at]! & 127) * 2 ** (7 * (at - start))
    if (input[at]! < 128) return value
  }
  return UNKNOWN
}

/** An LZ4 frame may name its size; otherwise each compressed block counts as the largest that it may be. */
function lz4(input: Buffer): number {
  if (input.length < 7) return UNKNOWN
  const flags = input[4]!
  if ((flags & 0x08) !== 0 && input.length >= 14) return Number(input.readBigUInt64LE(6))
  const checksumBytes = (flags & 0x10) !== 0 ? 4 : 0
  const blockBytesMax = 1 << (8 + 2 * ((input[5]! >> 4) & 7))
  let bytes = 0
  let at = 7 + ((flags & 0x01) !== 0 ? 4 : 0)
  while (at + 4 <= input.length) {
    const word = input.readUInt32LE(at)
    const size = word & 0x7fffffff
    if (size === 0) break
    bytes += word >= LZ4_UNCOMPRESSED ? size : Math.min(blockBytesMax, size * 255)
    at += 4 + size + checksumBytes
  }
  return bytes
}

/** A zstd frame may leave its size out, as JVM clients do: then its blocks are added up. */
function zstd(input: Buffer): number {
  if (input.length < 6 || input.readUInt32LE(0) !== ZSTD_MAGIC) return UNKNOWN
  const descriptor = input[4]!
  const isSingleSegment = (descriptor & 0x20) !== 0
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3]!
  const sizeAt = 5 + (isSingleSegment ? 0 : 1) + dictionaryBytes
  const sizeBytes = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6]!
  if (sizeAt + sizeBytes > input.length) return UNKNOWN
  if (sizeBytes > 0) return littleEndian(input, sizeAt, sizeBytes) + (sizeBytes === 2 ? 256 : 0)
  return zstdBlocks(input, sizeAt)
}

function zstdBlocks(input: Buffer, start: number): number {
  let bytes = 0
  for (let at = start; at + 3 <= input.length;) {
    const header = input.readUIntLE(at, 3)
    const [isLast, type, size] = [(header & 1) !== 0, (header >> 1) & 3, header >> 3]
    // Types of block: 0 is raw, 1 repeats one byte, 2 is compressed and does not name its size.
    bytes += type < 2 ? size : ZSTD_BLOCK_BYTES_MAX
    if (isLast) break
    at += 3 + (type === 1 ? 1 : size)
  }
  return bytes
}

function littleEndian(input: Buffer, at: number, bytes: number): number {
  return bytes === 8 ? Number(input.readBigUInt64LE(at)) : input.readUIntLE(at, bytes)
}
