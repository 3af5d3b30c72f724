import { Buffer } from 'node:buffer'
import type * as Snappy from 'snappyjs'
import { latePackage } from '../late-package.ts'
import { LevelBytes } from './level-bytes.ts'
import { maskedCrc } from './masked-crc.ts'
import { DamageFound } from './damage-found.ts'

const snappy = latePackage<typeof Snappy>('snappyjs')
const FOOTER_BYTES = 48
const MAGIC = Buffer.from([0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb])
/** Bytes behind each block: its kind of compression (1), and the checksum of both (4). */
const TRAILER_BYTES = 5
const SNAPPY = 1

interface Handle {
  readonly offset: number
  readonly size: number
}

/**
 * Throws where a block of the table is not as it was written (`doc/table_format.txt`): LevelDB itself checks
 * no checksum when it reads.
 */
export function checkTable(bytes: Buffer, file: string): void {
  const footerAt = bytes.length - FOOTER_BYTES
  if (footerAt < 0 || !bytes.subarray(-MAGIC.length).equals(MAGIC))
    throw new DamageFound(`${file} does not end as a table`)
  const footer = new LevelBytes(bytes.subarray(footerAt), file)
  const metaIndex = readHandle(footer)
  const index = readHandle(footer)
  checkBlock(bytes, metaIndex, file)
  checkBlock(bytes, index, file)
  const end = index.offset + index.size
  const compressed = bytes.subarray(index.offset, end)
  const entries = bytes[end] === SNAPPY ? Buffer.from(snappy().uncompress(compressed)) : compressed
  for (const block of handlesOf(entries, file)) checkBlock(bytes, block, file)
}

function readHandle(reader: LevelBytes): Handle {
  const offset = reader.varint()
  return { offset, size: reader.varint() }
}

/** The places of all blocks of rows: the values of the index. */
function* handlesOf(entries: Buffer, file: string): Iterable<Handle> {
  if (entries.length < 4) throw new DamageFound(`${file} has no index`)
  const restarts = entries.readUInt32LE(entries.length - 4)
  const end = entries.length - 4 * (restarts + 1)
  if (end < 0) throw new DamageFound(`${file} has no index`)
  const reader = new LevelBytes(entries.subarray(0, end), file)
  while (!reader.isAtEnd) {
    reader.varint() // bytes of the key that are those of the key before
    const keyBytes = reader.varint()
    reader.varint() // bytes of the value, which is a handle
    reader.skip(keyBytes)
    yield readHandle(reader)
  }
}

function checkBlock(bytes: Buffer, { offset, size }: Handle, file: string): void {
  const end = offset + size + 1
  const isWithin = end + TRAILER_BYTES - 1 <= bytes.length - FOOTER_BYTES
  if (isWithin && bytes.readUInt32LE(end) === maskedCrc(bytes.subarray(offset, end))) return
  throw new DamageFound(`${file} is damaged in the block at byte ${offset}`)
}
