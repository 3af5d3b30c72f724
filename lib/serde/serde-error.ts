import { StreamsError } from '../common/errors/errors.ts'
import { refusedPromise, silence } from '../common/promises.ts'
import type { SerdeContext } from './serde.ts'

export const SYNCHRONOUS =
  'serdes are called synchronously. Load what they need before the application starts, or throw a SerdePendingError, for which the record waits'

export type SerdeErrorCode =
  /** The value is not of the type that the serde writes. */
  | 'SERDE_TYPE'
  /** The bytes are not what the serde reads. */
  | 'SERDE_DATA'
  /** A 64-bit integer that a JavaScript number cannot hold exactly; `serdes.bigint64()` can. */
  | 'INT64_UNSAFE'
  /** A validator refused the value. */
  | 'SERDE_INVALID'
  /** The serde was made of something unusable: a bad schema, an asynchronous validator. */
  | 'SERDE_SCHEMA'
  /** What the bytes need, such as their schema, is still being fetched. */
  | 'SERDE_PENDING'
  /** A value for a claim check was not stored before. */
  | 'CLAIM_NOT_STORED'
  /** A claim's payload is not in its store any more. */
  | 'CLAIM_GONE'
  /** A claim's payload is not what was stored. */
  | 'CLAIM_DAMAGED'
  /** A store of payloads does not answer. */
  | 'PAYLOADS_UNAVAILABLE'

/**
 * A value or bytes that a serde cannot represent. `cause` is the error of the library below, where there is
 * one.
 */
export class SerdeError extends StreamsError {
  declare readonly code: SerdeErrorCode

  constructor(code: SerdeErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, options)
  }
}

/** The error for a value of the wrong type for a serde. */
export function wrongType(
  serde: string,
  expected: string,
  value: unknown,
  context: SerdeContext,
): SerdeError {
  return new SerdeError(
    'SERDE_TYPE',
    `serdes.${serde}() for "${context.topic}" writes ${expected}, but was given ${describe(value)}${windowedAdvice(value)}`,
  )
}

/** The error for a wrong number of bytes. */
export function wrongLength(
  serde: string,
  expected: number,
  bytes: Uint8Array,
  context: SerdeContext,
): SerdeError {
  return new SerdeError(
    'SERDE_DATA',
    `serdes.${serde}() for "${context.topic}" reads ${expected} bytes, but was given ${bytes.length}`,
  )
}

/** The error for a serde of the program's own that returned something else than bytes, such as a promise. */
export function notBytes(serde: string, result: unknown, context: SerdeContext): SerdeError {
  silence(result)
  return new SerdeError(
    'SERDE_TYPE',
    `the serde "${serde}" for "${context.topic}" returned ${describe(result)} from serialize, and no Uint8Array: ${SYNCHRONOUS}`,
  )
}

/** The error for a serde of the program's own that returned a promise. */
export function pendingValue(serde: string, promise: PromiseLike<unknown>, context: SerdeContext): Error {
  return refusedPromise(promise, {
    who: `deserialize of the serde "${serde}" for "${context.topic}" returned`,
    advice: SYNCHRONOUS,
  })
}

/**
 * Advice about windowed keys: the serde of a windowed table's keys is made of its group's, where that has
 * one; a default does not know windows.
 */
function windowedAdvice(value: unknown): string {
  const isWindowed = typeof value === 'object' && value !== null && 'key' in value && 'window' in value
  return isWindowed
    ? ', a key in its window: give groupBy or groupByKey a keySerde, or the sink serdes.windowed(…) or serdes.sessionWindowed(…)'
    : ''
}

function describe(value: unknown): string {
  if (typeof value === 'number' || typeof value === 'bigint') return `the ${typeof value} ${value}`
  if (typeof value === 'object' && value !== null) return `a ${value.constructor?.name ?? 'object'}`
  return value === null || value === undefined ? String(value) : `a ${typeof value}`
}
