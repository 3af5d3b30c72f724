import { checkSpan, invalidWindows } from './check-window.ts'

/**
 * Which records of two streams belong together: for a left record at time t, right records from t −
 * `beforeMs` to t + `afterMs`, both included.
 */
export interface JoinWindows {
  readonly beforeMs: number
  readonly afterMs: number
  readonly graceMs: number
}

/** One difference for both directions, or one for each; each may be negative, but not the two together. */
export type JoinWindowsOptions = (
  | { readonly timeDifferenceMs: number; readonly beforeMs?: number; readonly afterMs?: number }
  | { readonly timeDifferenceMs?: undefined; readonly beforeMs: number; readonly afterMs: number }
) & {
  /** How much longer, in stream time, records wait for others that come late. */
  readonly graceMs: number
}

/** Throws `INVALID_WINDOWS` for a span that would be empty, a negative grace, or what is no whole number. */
export function joinWindows({ timeDifferenceMs, ...options }: JoinWindowsOptions): JoinWindows {
  const { beforeMs = timeDifferenceMs, afterMs = timeDifferenceMs } = options
  checkDifference('beforeMs', beforeMs)
  checkDifference('afterMs', afterMs)
  const graceMs = checkSpan('graceMs', options.graceMs, 0)
  if (beforeMs + afterMs < 0) {
    throw invalidWindows(
      `beforeMs ${beforeMs} and afterMs ${afterMs} together are negative: no record could be within. Make their sum at least 0.`,
    )
  }
  return Object.freeze({ beforeMs, afterMs, graceMs })
}

function checkDifference(name: string, ms: number | undefined): asserts ms is number {
  if (Number.isSafeInteger(ms)) return
  throw invalidWindows(
    `${name} is ${ms}: it must be a whole number of milliseconds; timeDifferenceMs gives both directions at once`,
  )
}
