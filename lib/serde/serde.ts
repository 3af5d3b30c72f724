import type { Buffer } from 'node:buffer'
import type { Headers } from '../common/headers.ts'

/**
 * The data's place, for serdes that need it. `headers` is absent where there is no record: keys and values of
 * stores.
 */
export interface SerdeContext {
  readonly topic: string
  readonly headers?: Headers
}

/**
 * Turns a value into bytes and back. Both ways are synchronous: they stand in the record path. `null` never
 * comes here: it is a tombstone, or a missing key, and has no bytes. Throw on anything that cannot be
 * represented: the error handler of the application decides.
 */
export interface Serde<T> {
  /** Name in messages: `string`, `int64`, `json`. */
  readonly name: string
  serialize(value: T, context: SerdeContext): Uint8Array
  /**
   * Serialises for a caller who is done with the bytes before anybody can change the value, or serialises
   * much else: they may be the value's own memory, or memory that is used again (`transientBytes`).
   */
  serializeTransient?(value: T, context: SerdeContext): Uint8Array
  /** Reads a value. The bytes may be a slice of a larger buffer: the value must not keep them. */
  deserialize(bytes: Uint8Array, context: SerdeContext): T
  /**
   * Reads like `deserialize(buffer.subarray(start, end), context)`, for serdes that need no slice: the record
   * path then makes none.
   */
  deserializeFrom?(buffer: Buffer, start: number, end: number, context: SerdeContext): T
  /**
   * Whether the serde reads ASCII as that very text, whatever the topic: a text that is at hand already may
   * then stand for bytes.
   */
  readonly readsAscii?: boolean
  /**
   * Whether this primitive value can be kept as it is and serialised later: serialising it cannot fail and
   * what comes back is the same value. Stores ask it so that a hot key costs no serde until the commit;
   * without it they serialise at every write.
   */
  roundTrips?(value: T): boolean
}
