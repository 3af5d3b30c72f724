import type { ProcessingGuarantee } from '../../lib/index.ts'
import type { Side } from './application.ts'
import type { CompareName } from './names.ts'
import type { Rates } from './rates.ts'
import type { Stage } from './stage.ts'

/** What one run of one side has shown: a value for each name, and more that goes with it. */
export interface Figures {
  readonly rates?: Rates
  readonly values: readonly Figure[]
}

export interface Figure {
  readonly name: CompareName
  readonly value: number
  /** The 99th percentile where `value` is the median. */
  readonly p99?: number
}

/** What is run on both sides, once a round. */
export interface Case {
  /** The first is the one whose rate it is. */
  readonly names: readonly CompareName[]
  /** Null where it is the same under both. */
  readonly guarantee: ProcessingGuarantee | null
  readonly records: number
  /** Loads what all runs read. */
  prepare(stage: Stage, sides: readonly Side[]): Promise<void>
  /**
   * One run of each side, in this order, and a look whether they gave the same answers. Throws `AnswerError`
   * where they did not. The result is in the order of the sides.
   */
  round(stage: Stage, sides: readonly Side[], round: Round): Promise<readonly Figures[]>
}

export interface Round {
  readonly number: number
  /** Both sides at once: for a quick look whether everything works, not for figures. */
  readonly together: boolean
}

/** The sides do not agree. */
export class AnswerError extends Error {
  override readonly name = 'AnswerError'
}

/** Runs one a side: one after the other, unless together. */
export async function eachSide<T>(
  sides: readonly Side[],
  { together }: Round,
  run: (side: Side) => Promise<T>,
): Promise<T[]> {
  if (together) return Promise.all(sides.map(run))
  const results: T[] = []
  for (const side of sides) results.push(await run(side))
  return results
}
