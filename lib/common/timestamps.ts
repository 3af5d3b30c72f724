import { StreamsError } from './errors/errors.ts'
import { isPromise, refusedPromise } from './promises.ts'

/** 9999-12-31T23:59:59.999Z, the last time that dates of four digits can tell. */
export const LATEST_MS = 253_402_300_799_999

/**
 * Whether this is a time of a record: a whole number of milliseconds since the epoch, 0 or more, that a
 * number holds exactly.
 */
export function isTimestamp(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

/**
 * The error for a time that types exclude but programs without types may give: no guess is made of what was
 * meant. `place`: with the verb.
 */
export function invalidTimestamp(place: string, value: unknown): Error {
  if (isPromise(value)) {
    return refusedPromise(value, { who: place, advice: 'a timestamp has to be at hand when it is asked for' })
  }
  return new StreamsError(
    'INVALID_TIMESTAMP',
    `${place} ${describe(value)}: a timestamp is a whole number of milliseconds since the epoch, 0 or more${hint(value)}`,
  )
}

function describe(value: unknown): string {
  if (value instanceof Date) return `a Date (${String(value.getTime())})`
  if (typeof value === 'number' || value === undefined || value === null) return String(value)
  if (typeof value === 'bigint') return `the bigint ${value}`
  if (typeof value === 'string') return `the string ${JSON.stringify(value)}`
  return `a ${typeof value}`
}

function hint(value: unknown): string {
  if (value instanceof Date) return '. Of a Date, getTime() gives it'
  if (typeof value === 'bigint') return '. Of a bigint, Number() gives it'
  return typeof value === 'string' ? '. Of a text, Number() or Date.parse() gives it' : ''
}
