import { PREFETCH_GROUP } from '../contract/prefetching-store.ts'
import type { Entry } from './entry.ts'

let lastSum = 0

/**
 * Takes what was computed from all reads, since the compiler may leave out reads whose result nobody uses.
 */
export function wasRead(sum: number): void {
  lastSum = (lastSum + sum) | 0
}

/** Reads ahead in a list of entries that a commit goes through; to be called for each index, in order. */
export function prefetchEntries(entries: readonly Entry[], index: number): void {
  if (index % PREFETCH_GROUP > 0) return
  const end = Math.min(index + PREFETCH_GROUP, entries.length)
  let sum = 0
  for (let at = index; at < end; at += 1) sum = (sum + entries[at]!.prefetch()) | 0
  wasRead(sum)
}
