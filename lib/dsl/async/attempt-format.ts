import { Buffer } from 'node:buffer'
import { utf8, utf8Text } from '../../common/bytes.ts'
import type { ErrorSummary } from '../../processor/letter.ts'
import { FieldReader, putBytes } from './byte-fields.ts'
import { decodeInput, encodeInput, WITH_ATTEMPTS, type AsyncInput } from './input-format.ts'

/** What is known of an input's failed calls. */
export interface FailedCalls {
  /** How many count. */
  readonly attempts: number
  /** When the next one is due, and when the first failed: milliseconds since the epoch. */
  readonly dueMs: number
  readonly firstFailedMs: number
  readonly firstError: ErrorSummary
  readonly lastError: ErrorSummary
}

/** An input with its failed calls; undefined before the first. */
export interface Attempted {
  readonly input: AsyncInput
  readonly failed: FailedCalls | undefined
}

/** Version, attempts, due time, time of the first failure. */
const FIXED_BYTES = 1 + 4 + 8 + 8
const ERROR_TEXT_MAX = 1024

/** An input that has not failed is written as any other operator writes it. */
export function encodeAttempt({ input, failed }: Attempted): Uint8Array {
  if (!failed) return encodeInput(input)
  const fixed = Buffer.alloc(FIXED_BYTES)
  fixed[0] = WITH_ATTEMPTS
  fixed.writeUInt32BE(failed.attempts, 1)
  fixed.writeDoubleBE(failed.dueMs, 5)
  fixed.writeDoubleBE(failed.firstFailedMs, 13)
  const parts: Uint8Array[] = [fixed]
  for (const { name, message } of [failed.firstError, failed.lastError]) {
    putBytes(parts, utf8(name))
    putBytes(parts, utf8(message))
  }
  return Buffer.concat([...parts, encodeInput(input)])
}

export function decodeAttempt(bytes: Uint8Array): Attempted {
  if (bytes[0] !== WITH_ATTEMPTS) return { input: decodeInput(bytes), failed: undefined }
  const reader = new FieldReader(bytes)
  const fixed = reader.take(FIXED_BYTES)
  const text = () => utf8Text(reader.bytes() ?? fixed.subarray(0, 0))
  const error = (): ErrorSummary => ({ name: text(), message: text() })
  const [firstError, lastError] = [error(), error()]
  return {
    input: decodeInput(reader.rest),
    failed: {
      attempts: fixed.readUInt32BE(1),
      dueMs: fixed.readDoubleBE(5),
      firstFailedMs: fixed.readDoubleBE(13),
      firstError,
      lastError,
    },
  }
}

/** What is kept of an error. */
export function summaryOf({ name, message }: Error): ErrorSummary {
  return { name: name.slice(0, ERROR_TEXT_MAX), message: message.slice(0, ERROR_TEXT_MAX) }
}
