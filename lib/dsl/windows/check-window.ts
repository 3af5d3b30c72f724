import { TopologyError } from '../../common/errors/errors.ts'

/** The error for a definition of windows: the given value, and legal ones. */
export function invalidWindows(message: string): TopologyError {
  return new TopologyError('INVALID_WINDOWS', message)
}

/** Checks a span of time given by the user: whole milliseconds, at least `least`. */
export function checkSpan(what: string, ms: number, least: 0 | 1): number {
  if (Number.isSafeInteger(ms) && ms >= least) return ms
  throw invalidWindows(`${what} is ${ms}: it must be a whole number of milliseconds of at least ${least}`)
}
