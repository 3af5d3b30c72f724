import { checkSpan } from './check-window.ts'

/**
 * A window for every set of records of a key that lie within the time difference of each other (KIP-450).
 * Windows begin or end at records; both bounds belong to them.
 */
export interface SlidingWindows {
  readonly type: 'sliding'
  readonly timeDifferenceMs: number
  readonly graceMs: number
}

/**
 * `graceMs`: how much later than a window's end records for it are still taken, in stream time.
 * Throws `INVALID_WINDOWS` where either is negative or no whole number.
 */
export function slidingWindows(options: {
  readonly timeDifferenceMs: number
  readonly graceMs: number
}): SlidingWindows {
  const timeDifferenceMs = checkSpan('timeDifferenceMs', options.timeDifferenceMs, 0)
  return Object.freeze({
    type: 'sliding',
    timeDifferenceMs,
    graceMs: checkSpan('graceMs', options.graceMs, 0),
  })
}
