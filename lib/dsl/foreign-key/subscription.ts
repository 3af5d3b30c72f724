import { asBuffer } from '../../common/bytes.ts'
import { StreamsError } from '../../common/errors/errors.ts'
import type { Serde } from '../../serde/serde.ts'

/** Instruction to the right side about a row of the left one that names, or no longer names, a key of it. */
export type Instruction =
  'delete-silently' | 'delete-and-answer-null' | 'answer-always' | 'answer-if-row-exists'

/**
 * A row of the left table as sent to the right one. The fields and their bytes are Kafka Streams' (KIP-213,
 * KIP-775).
 */
export interface Subscription {
  /** Hash of the row's value; null where the row was deleted. It comes back with the answer. */
  readonly hash: Uint8Array | null
  readonly instruction: Instruction
  /** Bytes of the row's key. */
  readonly primaryKey: Uint8Array
  /**
   * Partition of the row, to which the answer goes. Undefined: written by an old version of Kafka Streams.
   */
  readonly primaryPartition: number | undefined
}

/** Instructions in the order of their codes. */
const INSTRUCTIONS: readonly Instruction[] = [
  'delete-silently',
  'delete-and-answer-null',
  'answer-always',
  'answer-if-row-exists',
]
const VERSION = 1
const NO_HASH = 0x80
const HASH_BYTES = 16

/**
 * Serde of subscriptions: `version and whether there is a hash ‖ instruction ‖ hash? ‖ primary key ‖
 * partition (4)`.
 */
export const subscriptionSerde: Serde<Subscription> = {
  name: 'subscription',

  serialize({ hash, instruction, primaryKey, primaryPartition }) {
    const keyAt = 2 + (hash?.length ?? 0)
    const bytes = Buffer.alloc(keyAt + primaryKey.length + 4)
    bytes[0] = hash ? VERSION : VERSION | NO_HASH
    bytes[1] = INSTRUCTIONS.indexOf(instruction)
    if (hash) bytes.set(hash, 2)
    bytes.set(primaryKey, keyAt)
    bytes.writeInt32BE(primaryPartition ?? 0, keyAt + primaryKey.length)
    return bytes
  },

  deserialize(data) {
    const bytes = Buffer.from(data)
    const [head = 0, code = -1] = bytes
    const version = head & 0x7f
    const instruction = INSTRUCTIONS[code]
    const keyAt = 2 + (head & NO_HASH ? 0 : HASH_BYTES)
    const keyEnd = bytes.length - (version === 0 ? 0 : 4)
    if (version > VERSION || instruction === undefined || keyAt > keyEnd) throw malformed('subscription')
    return {
      hash: head & NO_HASH ? null : bytes.subarray(2, keyAt),
      instruction,
      primaryKey: bytes.subarray(keyAt, keyEnd),
      primaryPartition: version === 0 ? undefined : bytes.readInt32BE(keyEnd),
    }
  },
}

export function malformed(what: string): StreamsError {
  return new StreamsError(
    'MALFORMED_SUBSCRIPTION',
    `a ${what} of a foreign-key join has no known layout: has its topic records of another program, or of a newer version?`,
  )
}

/** The 16 bytes of a hash, from that place on. */
export function hashAt(bytes: Uint8Array, from: number): Uint8Array {
  return asBuffer(bytes).subarray(from, from + HASH_BYTES)
}
