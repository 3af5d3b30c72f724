import { checkSpan } from './check-window.ts'

/**
 * One window without an end: never closed, so without grace, and its results are never final. Earlier records
 * are in no window.
 */
export interface UnlimitedWindows {
  readonly type: 'unlimited'
  readonly startMs: number
}

/** `startMs`: milliseconds since the epoch, default 0. Throws `INVALID_WINDOWS` where it is negative. */
export function unlimitedWindows(options: { readonly startMs?: number } = {}): UnlimitedWindows {
  return Object.freeze({ type: 'unlimited', startMs: checkSpan('startMs', options.startMs ?? 0, 0) })
}
