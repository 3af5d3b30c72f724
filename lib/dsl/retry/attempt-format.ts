import { Buffer } from 'node:buffer'
import { utf8, utf8Text } from '../../common/bytes.ts'
import type { ErrorSummary } from '../../processor/letter.ts'
import { FieldReader, putBytes } from '../calls/byte-fields.ts'
import { decodeInput, encodeInput, WITH_ATTEMPTS, type AsyncInput } from '../calls/input-format.ts'

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

export interface Attempted {
  readonly input: AsyncInput
  /** Undefined before the first failure. */
  readonly failed: FailedCalls | undefined
  /** How many times in a row its process has ended, not cleanly, while it may have been called. */
  readonly interruptions: number
  /** In which run its dead letter is processed again; '': in none. */
  readonly run: string
}

/** What is known of an input that has just come. */
export const NOTHING_KNOWN: Omit<Attempted, 'input'> = { failed: undefined, interruptions: 0, run: '' }

/** Version, attempts, due time, time of the first failure, interruptions. */
const FIXED_BYTES = 1 + 4 + 8 + 8 + 2
const INTERRUPTIONS_AT = 21
const INTERRUPTIONS_MAX = 0xffff
const NO_ERROR: ErrorSummary = { name: '', message: '' }
const ERROR_TEXT_MAX = 1024
const STACK_MAX = 4096

/** An input of which nothing is known is written as any other operator writes it. */
export function encodeAttempt({ input, failed, interruptions, run }: Attempted): Uint8Array {
  if (!failed && interruptions === 0 && run === '') return encodeInput(input)
  const { attempts, dueMs, firstFailedMs, firstError, lastError } = failed ?? NOT_FAILED
  const fixed = Buffer.alloc(FIXED_BYTES)
  fixed[0] = WITH_ATTEMPTS
  fixed.writeUInt32BE(attempts, 1)
  fixed.writeDoubleBE(dueMs, 5)
  fixed.writeDoubleBE(firstFailedMs, 13)
  fixed.writeUInt16BE(Math.min(interruptions, INTERRUPTIONS_MAX), INTERRUPTIONS_AT)
  const parts: Uint8Array[] = [fixed]
  for (const { name, message } of [firstError, lastError]) {
    putBytes(parts, utf8(name))
    putBytes(parts, utf8(message))
  }
  putBytes(parts, utf8(run))
  return Buffer.concat([...parts, encodeInput(input)])
}

export function decodeAttempt(bytes: Uint8Array): Attempted {
  if (bytes[0] !== WITH_ATTEMPTS) return { input: decodeInput(bytes), ...NOTHING_KNOWN }
  const reader = new FieldReader(bytes)
  const fixed = reader.take(FIXED_BYTES)
  const text = () => utf8Text(reader.bytes() ?? fixed.subarray(0, 0))
  const error = (): ErrorSummary => ({ name: text(), message: text() })
  const [firstError, lastError] = [error(), error()]
  const run = text()
  const firstFailedMs = fixed.readDoubleBE(13)
  const attempts = fixed.readUInt32BE(1)
  const failed = { attempts, dueMs: fixed.readDoubleBE(5), firstFailedMs, firstError, lastError }
  return {
    input: decodeInput(reader.rest),
    failed: firstFailedMs === NOT_FAILED.firstFailedMs ? undefined : failed,
    interruptions: fixed.readUInt16BE(INTERRUPTIONS_AT),
    run,
  }
}

const NOT_FAILED: FailedCalls = {
  attempts: 0,
  dueMs: 0,
  firstFailedMs: -1,
  firstError: NO_ERROR,
  lastError: NO_ERROR,
}

/** What is kept of an error. */
export function summaryOf({ name, message }: Error): ErrorSummary {
  return { name: cut(name, ERROR_TEXT_MAX), message: cut(message, ERROR_TEXT_MAX) }
}

/** Where it was thrown, as far as a letter tells. */
export function stackOf({ stack }: Pick<Error, 'stack'>): string {
  return cut(stack ?? '', STACK_MAX)
}

/** What is typed as text may be anything, since users throw it. */
function cut(text: unknown, lengthMax: number): string {
  return (typeof text === 'string' ? text : (JSON.stringify(text) ?? String(text))).slice(0, lengthMax)
}
