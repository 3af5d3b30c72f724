import { Buffer } from 'node:buffer'
import { maskedCrc } from './masked-crc.ts'
import { DamageFound } from './damage-found.ts'

const BLOCK_BYTES = 32_768
const HEAD_BYTES = 7
const FULL = 1
const FIRST = 2
const LAST = 4

/**
 * The records of a file in LevelDB's log format (`doc/log_format.txt`): the log itself, and the manifest.
 * Throws where one in the middle is damaged, which LevelDB would leave out without a word and go on with the
 * next. A last one that is cut short is none: the process ended while it was written, and nobody has heard
 * that it was.
 */
export function logRecords(bytes: Buffer, file: string): Buffer[] {
  const records: Buffer[] = []
  let parts: Buffer[] | undefined
  for (let at = 0; at < bytes.length;) {
    const blockEnd = at - (at % BLOCK_BYTES) + BLOCK_BYTES
    // A rest of a block that is too small for a head is filled with zeros.
    if (blockEnd - at < HEAD_BYTES) {
      at = blockEnd
      continue
    }
    const end = endOfFragment(bytes, at, { blockEnd, file })
    if (end === undefined) return records
    const fragment = bytes.subarray(at + HEAD_BYTES, end)
    const type = bytes[at + 6]
    if (type === FULL || type === FIRST ? parts !== undefined : parts === undefined)
      throw damaged(file, at, 'a record is there in part')
    if (type === FULL) records.push(fragment)
    else if (type === FIRST) parts = [fragment]
    else parts?.push(fragment)
    if (type === LAST) {
      records.push(Buffer.concat(parts ?? []))
      parts = undefined
    }
    at = end
  }
  return records
}

/** The end of a fragment; undefined where the file ends within it, or is empty from here on. */
function endOfFragment(
  bytes: Buffer,
  at: number,
  { blockEnd, file }: { readonly blockEnd: number; readonly file: string },
): number | undefined {
  if (at + HEAD_BYTES > bytes.length) return undefined
  const end = at + HEAD_BYTES + bytes.readUInt16LE(at + 4)
  if (end > bytes.length && bytes.length <= blockEnd) return undefined
  const type = bytes[at + 6]!
  if (type === 0 && isZero(bytes, at)) return undefined
  if (end > blockEnd || type < FULL || type > LAST) throw damaged(file, at, 'a record has no such form')
  if (bytes.readUInt32LE(at) !== maskedCrc(bytes.subarray(at + 6, end)))
    throw damaged(file, at, 'the checksum is another')
  return end
}

/**
 * Whether all bytes are zero: after a loss of power, a file may have room for bytes that were never written.
 */
function isZero(bytes: Buffer, from: number): boolean {
  return bytes.subarray(from).every(byte => byte === 0)
}

function damaged(file: string, at: number, what: string): DamageFound {
  return new DamageFound(`${file} is damaged at byte ${at}: ${what}`)
}
