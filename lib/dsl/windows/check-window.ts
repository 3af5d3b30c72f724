import { TopologyError } from '../../common/errors/errors.ts'

/** The refusal of a definition of windows: what was given, and what would do. */
export function invalidWindows(message: string): TopologyError {
  return new TopologyError('INVALID_WINDOWS', message)
}

/** A span of time as the user gave it: whole milliseconds, at least `least`. */
export function checkSpan(what: string, ms: number, least: 0 | 1): number {
  if (Number.isSafeInteger(ms) && ms >= least) return ms
  throw invalidWindows(`${what} is ${ms}: it must be a whole number of milliseconds of at least ${least}`)
}
