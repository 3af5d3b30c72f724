import { Buffer } from 'node:buffer'
import { MalformedError } from '../malformed-error.ts'

const MAGIC = 0x184d2204
const UNCOMPRESSED = 0x80000000
const MATCH_BYTES_MIN = 4

/**
 * Decompresses one LZ4 frame (https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md). The packages for
 * it read past the end of mangled input, or bring a binary per platform and are slower. The frame's checksums
 * are not verified: the record batch has its own.
 */
export function decompressLz4Frame(input: Buffer, bytesMax: number): Buffer {
  if (input.length < 7 || input.readUInt32LE(0) !== MAGIC) throw new MalformedError('no LZ4 frame')
  const flags = input[4]!
  if (flags >> 6 !== 1) throw new MalformedError(`version ${flags >> 6} of the LZ4 frame`)
  const hasBlockChecksums = (flags & 0x10) !== 0
  const blockBytesMax = 1 << (8 + 2 * ((input[5]! >> 4) & 7))
  // The header: flags, block size, perhaps the size of the content and the id of a dictionary, a checksum.
  let at = 6 + ((flags & 0x08) !== 0 ? 8 : 0) + ((flags & 0x01) !== 0 ? 4 : 0) + 1
  const output = new Output(input.length * 4, bytesMax)
  for (;;) {
    if (at + 4 > input.length) throw new MalformedError('the LZ4 frame ends without its end mark')
    const word = input.readUInt32LE(at)
    if (word === 0) return output.finish()
    const size = word & 0x7fffffff
    at += 4
    if (at + size > input.length) throw new MalformedError('an LZ4 block is cut short')
    output.room(blockBytesMax)
    if (word >= UNCOMPRESSED) output.copy(input, at, size)
    else output.at = decompressBlock(input, at, at + size, output.bytes, output.at)
    at += size + (hasBlockChecksums ? 4 : 0)
  }
}

/** The output of all blocks, which grows up to a limit. A block may refer to the output of earlier ones. */
class Output {
  bytes: Buffer
  at = 0
  readonly #bytesMax: number

  constructor(sizeHint: number, bytesMax: number) {
    this.#bytesMax = bytesMax
    this.bytes = Buffer.allocUnsafe(Math.min(sizeHint, bytesMax))
  }

  room(bytes: number): void {
    const needed = this.at + bytes
    if (needed <= this.bytes.length) return
    if (this.at > this.#bytesMax)
      throw new MalformedError(`more than ${this.#bytesMax} bytes in an LZ4 frame`)
    const larger = Buffer.allocUnsafe(Math.max(needed, this.bytes.length * 2))
    this.bytes.copy(larger, 0, 0, this.at)
    this.bytes = larger
  }

  copy(input: Buffer, at: number, size: number): void {
    this.room(size)
    input.copy(this.bytes, this.at, at, at + size)
    this.at += size
  }

  finish(): Buffer {
    return this.bytes.subarray(0, this.at)
  }
}

/** Returns where the output ends. */
function decompressBlock(
  input: Buffer,
  start: number,
  end: number,
  output: Buffer,
  outputAt: number,
): number {
  let at = start
  let to = outputAt
  while (at < end) {
    const token = input[at++]!
    let literals = token >> 4
    if (literals === 15) {
      let more: number
      do {
        if (at >= end) throw new MalformedError('an LZ4 block is cut short')
        more = input[at++]!
        literals += more
      } while (more === 255)
    }
    if (at + literals > end || to + literals > output.length)
      throw new MalformedError('LZ4 literals run over')
    if (literals > 32) input.copy(output, to, at, at + literals)
    else for (let index = 0; index < literals; index += 1) output[to + index] = input[at + index]!
    at += literals
    to += literals
    // The last sequence of a block has literals and no match.
    if (at === end) return to
    if (at + 2 > end) throw new MalformedError('an LZ4 block is cut short')
    const distance = input[at]! | (input[at + 1]! << 8)
    at += 2
    let length = token & 15
    if (length === 15) {
      let more: number
      do {
        if (at >= end) throw new MalformedError('an LZ4 block is cut short')
        more = input[at++]!
        length += more
      } while (more === 255)
    }
    length += MATCH_BYTES_MIN
    if (distance === 0 || distance > to || to + length > output.length)
      throw new MalformedError('an LZ4 match is out of range')
    copyMatch(output, to, distance, length)
    to += length
  }
  return to
}

/** Copies a match, which may overlap its own output and then repeats. */
function copyMatch(output: Buffer, to: number, distance: number, length: number): void {
  if (distance >= length && length > 32) {
    output.copyWithin(to, to - distance, to - distance + length)
    return
  }
  for (let index = 0; index < length; index += 1) output[to + index] = output[to + index - distance]!
}
