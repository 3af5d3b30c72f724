import { Buffer } from 'node:buffer'
import { bytesToMapKey, mapKeyToBytes } from '../../common/bytes.ts'
import { readInt64, writeInt64 } from '../../common/int64.ts'
import type { Serde } from '../../serde/serde.ts'

export type JoinSide = 'left' | 'right'

const HEAD_BYTES = 9
const LEFT = 1

/** Memory of the head of a key, which is copied before the next call. */
const scratch = Buffer.alloc(HEAD_BYTES)

/**
 * The id `timestamp (8) ‖ 1 for the left side, 0 for the right ‖ key`, a character for a byte: so ids sort by
 * time, and at the same time the right side comes first. The bytes are those of Kafka Streams'
 * `TimestampedKeyAndJoinSide`.
 */
export function unmatchedId(side: JoinSide, timestampMs: number, keyId: string): string {
  writeInt64(scratch, 0, timestampMs)
  scratch[8] = side === 'left' ? LEFT : 0
  return scratch.toString('latin1', 0, HEAD_BYTES) + keyId
}

export function sideOf(id: string): JoinSide {
  return id.charCodeAt(HEAD_BYTES - 1) === LEFT ? 'left' : 'right'
}

export function timestampOf(id: string): number {
  scratch.write(id, 0, 8, 'latin1')
  return readInt64(scratch, 0)
}

export function keyIdOf(id: string): string {
  return id.slice(HEAD_BYTES)
}

/** Serde of ids as keys of a store. */
export const unmatchedIdSerde: Serde<string> = {
  name: 'unmatched-id',
  serialize: id => mapKeyToBytes(id),
  deserialize: bytes => bytesToMapKey(bytes),
  roundTrips: () => true,
}
