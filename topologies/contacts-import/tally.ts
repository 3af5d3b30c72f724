/** Outcomes of one import. */
export interface Tally {
  readonly succeeded: number
  readonly failed: number
}

/** Above every number of rows; its square is still an exact number. */
const FAILED_UNIT = 2 ** 24

/**
 * Two counts as one number: a store keeps a number as it is in memory until the commit, while an object would
 * be written and parsed for every row.
 */
export function packTally({ succeeded, failed }: Tally): number {
  return failed * FAILED_UNIT + succeeded
}

export function unpackTally(packed: number): Tally {
  return { succeeded: packed % FAILED_UNIT, failed: Math.floor(packed / FAILED_UNIT) }
}

/** A packed tally with one more outcome. */
export function countOutcome(packed: number, ok: boolean): number {
  return packed + (ok ? 1 : FAILED_UNIT)
}
