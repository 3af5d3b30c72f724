import { StreamsError } from './errors/errors.ts'

/** A violated invariant: a bug in Millrace, never bad input. The message carries both values. */
export class AssertionError extends StreamsError {
  constructor(message: string) {
    super('ASSERTION_FAILED', message)
  }
}

export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionError(message)
}

/** Returns a value that the caller knows to be there. */
export function present<T>(value: T | null | undefined, what: string): T {
  if (value === undefined || value === null) throw new AssertionError(`${what} is missing`)
  return value
}
