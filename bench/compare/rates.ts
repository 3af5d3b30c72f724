import type { Observation } from './observe.ts'

export interface Rates {
  /** From the assignment of the partitions to the end, in records a second. */
  readonly whole: number
  /**
   * Between the first commit and the last one but one: nothing of the start, and not the wait for the timer
   * of the last commit, which would weigh the more the faster a program is. Undefined where a run has too few
   * commits for that.
   */
  readonly steady: number | undefined
}

const COMMITS_MIN = 4

export function ratesOf(
  { assignedMs, commits, endMs }: Observation,
  { hasStages }: { hasStages: boolean },
): Rates {
  const done = commits.at(-1)!.records
  const whole = perSecond(done, endMs - assignedMs)
  // Commits of the inputs tell nothing of the records in topics in between.
  if (hasStages || commits.length < COMMITS_MIN) return { whole, steady: undefined }
  const [first, last] = [commits[0]!, commits.at(-2)!]
  return { whole, steady: perSecond(last.records - first.records, last.atMs - first.atMs) }
}

/** One number a side, all taken in the same way: steady where every side has it. */
export function comparableRates(rates: readonly Rates[]): number[] {
  const steady = rates.map(each => each.steady)
  return steady.every(rate => rate !== undefined) ? steady : rates.map(({ whole }) => whole)
}

function perSecond(records: number, ms: number): number {
  return (records * 1000) / Math.max(ms, 1)
}
