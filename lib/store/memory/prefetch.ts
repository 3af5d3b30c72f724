import { PREFETCH_GROUP } from '../contract/prefetching-store.ts'
import type { Entry } from './entry.ts'

let lastSum = 0

/**
 * To be told what was made of all that was read: reads whose result nobody wants may be left out by the
 * compiler.
 */
export function wasRead(sum: number): void {
  lastSum = (lastSum + sum) | 0
}

/**
 * To be called for each index of a list that a commit goes through, in order: reads what comes next of the
 * entries of a group.
 */
export function prefetchEntries(entries: readonly Entry[], index: number): void {
  if (index % PREFETCH_GROUP > 0) return
  const end = Math.min(index + PREFETCH_GROUP, entries.length)
  let sum = 0
  for (let at = index; at < end; at += 1) sum = (sum + entries[at]!.prefetch()) | 0
  wasRead(sum)
}
