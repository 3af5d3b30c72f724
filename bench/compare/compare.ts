import { errorFrom } from '../../lib/common/errors/errors.ts'
import type { Side } from './application.ts'
import type { Case } from './case.ts'
import { Results } from './results.ts'
import type { Stage } from './stage.ts'

export interface CompareOptions {
  readonly rounds: number
  /** No round begins that would end later than this after the start, going by the longest one so far. */
  readonly minutes: number
  /** Both sides of a case at once: the figures mean nothing then. */
  readonly together: boolean
}

export interface Comparison {
  readonly results: Results
  readonly failures: readonly string[]
}

/**
 * All cases once a round: where time runs out each case has had as many rounds as the others. Which side goes
 * first changes from round to round. A case that fails, be it by its answers, has no further rounds and no
 * line in the table, but the others go on.
 */
export async function compare(
  stage: Stage,
  cases: readonly Case[],
  sides: readonly Side[],
  { rounds, minutes, together }: CompareOptions,
): Promise<Comparison> {
  const results = new Results()
  const failures = new Map<Case, string>()
  const deadline = performance.now() + minutes * 60_000
  for (const each of cases) await each.prepare(stage, sides)
  let longestMs = 0
  for (let number = 0; number < rounds; number += 1) {
    const startMs = performance.now()
    if (number > 0 && startMs + longestMs > deadline) {
      stage.say(`${number} of ${rounds} rounds: the ${minutes} minutes would not do for another`)
      break
    }
    const order = number % 2 === 0 ? sides : sides.toReversed()
    for (const each of cases.filter(one => !failures.has(one))) {
      stage.say(`round ${number + 1} of ${rounds}: ${titleOf(each)}`)
      const able = order.filter(({ names }) => names?.includes(each.names[0]!) ?? true)
      try {
        results.add(each, able, await each.round(stage, able, { number, together }))
      } catch (reason) {
        await stage.killApplications()
        failures.set(each, `${titleOf(each)}: ${errorFrom(reason).message}`)
        stage.say(`failed: ${failures.get(each)}`)
        results.drop(each)
      }
    }
    longestMs = Math.max(longestMs, performance.now() - startMs)
  }
  return { results, failures: [...failures.values()] }
}

const titleOf = ({ names, guarantee }: Case) => `${names.join(' and ')}, ${guarantee ?? 'no guarantee'}`
