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

/**
 * All cases once a round: where time runs out each case has had as many rounds as the others. Which side goes first changes from round
 * to round.
 */
export async function compare(
  stage: Stage,
  cases: readonly Case[],
  sides: readonly Side[],
  { rounds, minutes, together }: CompareOptions,
): Promise<Results> {
  const results = new Results()
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
    for (const each of cases) {
      stage.say(
        `round ${number + 1} of ${rounds}: ${each.names.join(' and ')}, ${each.guarantee ?? 'no guarantee'}`,
      )
      const able = order.filter(({ names }) => names?.includes(each.names[0]!) ?? true)
      results.add(each, able, await each.round(stage, able, { number, together }))
    }
    longestMs = Math.max(longestMs, performance.now() - startMs)
  }
  return results
}
