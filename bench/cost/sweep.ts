import type { CostPoint, Setup } from './setup.ts'

export interface SweepLimits {
  readonly from?: number
  readonly to?: number
  readonly records?: number
  readonly small: boolean
}

/** How records a second depend on one quantity. */
export interface Sweep {
  readonly title: string
  readonly unit: string
  /** What is swept over by default, ascending. */
  readonly values: readonly number[]
  /** Two that take a few seconds. */
  readonly smallValues: readonly number[]
  setup(value: number, records: number | undefined): Setup
}

export function valuesWithin({ values, smallValues }: Sweep, { from, to, small }: SweepLimits): number[] {
  const within = (small ? smallValues : values).filter(
    value => value >= (from ?? 0) && value <= (to ?? Infinity),
  )
  // A limit that is none of the steps is one itself: `--to 5000` is taken at its word.
  const limits = [from, to].filter(limit => limit !== undefined)
  return small ? within : [...new Set([...within, ...limits])].sort((left, right) => left - right)
}

/**
 * A step where the rate falls by more than a quarter of what it was the step before: there the curve bends.
 */
const BEND = 0.75

export function bendsOf(points: readonly CostPoint[]): CostPoint[] {
  return points.filter(
    (point, at) => at > 0 && point.recordsPerSecond < BEND * points[at - 1]!.recordsPerSecond,
  )
}
