import { Buffer } from 'node:buffer'
import { bytesToMapKey, mapKeyToBytes } from '../../common/bytes.ts'
import type { Serde } from '../../serde/serde.ts'

export type JoinSide = 'left' | 'right'

const HEAD_BYTES = 9
const TWO_TO_32 = 0x1_0000_0000
const LEFT = 1

/** Answered before the next call. */
const scratch = Buffer.alloc(HEAD_BYTES)

/**
 * `timestamp (8) ‖ 1 for the left side, 0 for the right ‖ key`, a character for a byte: so ids sort by time, and at the same time the right
 * side comes first. The bytes are those of `TimestampedKeyAndJoinSide` of the JVM original.
 */
export function unmatchedId(side: JoinSide, timestampMs: number, keyId: string): string {
  scratch.writeUInt32BE(Math.floor(timestampMs / TWO_TO_32), 0)
  scratch.writeUInt32BE(timestampMs >>> 0, 4)
  scratch[8] = side === 'left' ? LEFT : 0
  return scratch.toString('latin1', 0, HEAD_BYTES) + keyId
}

export function sideOf(id: string): JoinSide {
  return id.charCodeAt(HEAD_BYTES - 1) === LEFT ? 'left' : 'right'
}

export function timestampOf(id: string): number {
  scratch.write(id, 0, 8, 'latin1')
  return scratch.readUInt32BE(0) * TWO_TO_32 + scratch.readUInt32BE(4)
}

export function keyIdOf(id: string): string {
  return id.slice(HEAD_BYTES)
}

/** Ids as keys of a store. */
export const unmatchedIdSerde: Serde<string> = {
  name: 'unmatched-id',
  serialize: id => mapKeyToBytes(id),
  deserialize: bytes => bytesToMapKey(bytes),
  roundTrips: () => true,
}
