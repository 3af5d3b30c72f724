import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import { asBuffer, concatBytes, utf8 } from '../../common/bytes.ts'

/** What claims begin with, and values that would be taken for one. */
const MARK = utf8('MRCLAIM')
/** The byte behind the mark. */
const ESCAPED = 0x30
const CLAIM = 0x31
const HEAD_BYTES = MARK.length + 1
const HASH_BYTES = 32

/** Id of a payload: its SHA-256, in hexadecimal digits. */
export function payloadId(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** A record's value in the place of a payload: `MRCLAIM1 ‖ SHA-256 of the payload (32)`. */
export function claimBytes(id: string): Uint8Array {
  return concatBytes(MARK, Uint8Array.of(CLAIM), Buffer.from(id, 'hex'))
}

/** A value that stays in its record: as it is, but behind `MRCLAIM0` where it begins with the mark itself. */
export function inlineBytes(bytes: Uint8Array): Uint8Array {
  return isMarked(bytes) ? concatBytes(MARK, Uint8Array.of(ESCAPED), bytes) : bytes
}

/** The payload's id, or the value; undefined where it is neither. */
export function readClaim(
  bytes: Uint8Array,
): { readonly id: string } | { readonly value: Uint8Array } | undefined {
  if (!isMarked(bytes)) return { value: bytes }
  if (bytes[MARK.length] === ESCAPED) return { value: bytes.subarray(HEAD_BYTES) }
  if (bytes[MARK.length] !== CLAIM || bytes.length !== HEAD_BYTES + HASH_BYTES) return undefined
  return { id: asBuffer(bytes).toString('hex', HEAD_BYTES) }
}

function isMarked(bytes: Uint8Array): boolean {
  return MARK.every((byte, at) => bytes[at] === byte)
}
