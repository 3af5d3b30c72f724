import { checkSpan, invalidWindows } from './check-window.ts'

/**
 * Windows of one size that begin at multiples of the advance, from time 0: tumbling where the two are equal,
 * hopping, and so overlapping, where the advance is smaller. The start belongs to a window, the end does not.
 */
export interface TimeWindows {
  readonly type: 'time'
  readonly sizeMs: number
  readonly advanceMs: number
  readonly graceMs: number
}

/**
 * `advanceMs`: by default the size, so that windows tumble. `graceMs`: how much later than a window's end
 * records for it are still taken, in stream time; there is no default, because both dropping and waiting have
 * a price. Throws `INVALID_WINDOWS` for a size or advance below 1, an advance above the size, a negative
 * grace.
 */
export function timeWindows(options: {
  readonly sizeMs: number
  readonly advanceMs?: number
  readonly graceMs: number
}): TimeWindows {
  const sizeMs = checkSpan('sizeMs', options.sizeMs, 1)
  const advanceMs = checkSpan('advanceMs', options.advanceMs ?? sizeMs, 1)
  const graceMs = checkSpan('graceMs', options.graceMs, 0)
  if (advanceMs > sizeMs) {
    throw invalidWindows(
      `advanceMs is ${advanceMs}, more than the size of ${sizeMs}: records between two windows would be in none. Use at most the size.`,
    )
  }
  return Object.freeze({ type: 'time', sizeMs, advanceMs, graceMs })
}
