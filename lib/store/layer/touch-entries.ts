import type { Entry } from './entry.ts'

/** Measured: 8 gain half as much, 128 no more. */
const TOUCHED_AT_ONCE = 32

let touched = 0

/**
 * To be called for each index of a list that is gone through, in order. Now and then it reads of the next entries what a flush or a seal reads, and
 * does nothing else: so the processor waits for the memory of many entries at once, and not for one after the other with all the work of a
 * record between them.
 */
export function touchAhead(entries: readonly Entry[], index: number): void {
  if (index % TOUCHED_AT_ONCE > 0) return
  const end = Math.min(index + TOUCHED_AT_ONCE, entries.length)
  let sum = 0
  for (let at = index; at < end; at += 1) {
    const entry = entries[at]!
    sum = (sum + entry.heldAt + entry.id.length) | 0
  }
  // Of no use, but reads whose result nobody wants may be left out.
  touched = sum
}
