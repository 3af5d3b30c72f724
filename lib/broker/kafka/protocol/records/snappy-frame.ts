import { Buffer } from 'node:buffer'
import { uncompress } from 'snappyjs'
import { asBuffer } from '../../../../common/bytes.ts'
import { MalformedError } from '../malformed-error.ts'

/** The first bytes of a stream of the Java library `snappy-java`; two version numbers follow. */
const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00])
const XERIAL_HEADER_BYTES = 16

/** JVM clients send a header and blocks with their lengths; librdkafka sends one block alone. */
export function decompressSnappy(input: Buffer, bytesMax: number): Buffer {
  if (!input.subarray(0, XERIAL_MAGIC.length).equals(XERIAL_MAGIC)) return block(input, bytesMax)
  const blocks: Buffer[] = []
  let bytesLeft = bytesMax
  let at = XERIAL_HEADER_BYTES
  while (at < input.length) {
    const size = at + 4 > input.length ? -1 : input.readInt32BE(at)
    at += 4
    if (size < 0 || at + size > input.length) throw new MalformedError('a snappy block is cut short')
    const bytes = block(input.subarray(at, at + size), bytesLeft)
    bytesLeft -= bytes.length
    blocks.push(bytes)
    at += size
  }
  return blocks.length === 1 ? blocks[0]! : Buffer.concat(blocks)
}

function block(input: Buffer, bytesMax: number): Buffer {
  return asBuffer(uncompress(input, bytesMax))
}
