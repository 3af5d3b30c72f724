import { describe, it } from 'vitest'
import { randomProgram } from './random-program.ts'
import { expectedTables, expectVariant, randomVariant } from './run-variant.ts'
import { SeededRandom } from '../support/seeded-random.ts'

/** MILLRACE_METAMORPHIC_SEEDS=1-200 runs more. */
const [first = 1, last = 8] = (process.env['MILLRACE_METAMORPHIC_SEEDS'] ?? '1-8').split('-').map(Number)
const SEEDS = Array.from({ length: last - first + 1 }, (_, at) => first + at)
const VARIANTS = 4

describe('random topologies: the final tables are the same, however they are run', () => {
  it.each(SEEDS)('seed %i', async seed => {
    const random = new SeededRandom(seed)
    const program = randomProgram(random)
    const expected = expectedTables(program)
    for (let at = 0; at < VARIANTS; at += 1) {
      const variant = randomVariant(random)
      await expectVariant(program, variant, expected, random).catch((error: unknown) => {
        const steps = program.steps.map(({ op, of, with: other }) => `${op}(${of}, ${other})`).join(' ')
        throw new Error(`${JSON.stringify(variant)} of ${steps}`, { cause: error })
      })
    }
  })
})
