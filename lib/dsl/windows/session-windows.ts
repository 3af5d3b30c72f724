import { checkSpan } from './check-window.ts'

/**
 * Windows of activity: records of a key that follow each other within the gap are one session, and a record
 * that comes between two sessions makes them one. A session begins with its first record and ends with its
 * last one.
 */
export interface SessionWindows {
  readonly type: 'session'
  readonly inactivityGapMs: number
  readonly graceMs: number
}

/**
 * `graceMs`: how long after the gap behind a session records for it are still taken, in stream time.
 * Throws `INVALID_WINDOWS` where either is negative or no whole number.
 */
export function sessionWindows(options: {
  readonly inactivityGapMs: number
  readonly graceMs: number
}): SessionWindows {
  const inactivityGapMs = checkSpan('inactivityGapMs', options.inactivityGapMs, 0)
  return Object.freeze({
    type: 'session',
    inactivityGapMs,
    graceMs: checkSpan('graceMs', options.graceMs, 0),
  })
}
