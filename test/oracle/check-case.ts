import type { Case } from './case.ts'
import { Unsupported } from './case.ts'
import { comparable, firstDifference, withoutOmitted } from './compare.ts'
import { runCase } from './run-case.ts'

/**
 * Runs a case; what differs from Kafka Streams' answer, or why it cannot be run. Undefined: nothing differs.
 */
export async function checkCase(test: Case): Promise<string | undefined> {
  try {
    return firstDifference(comparable(test), withoutOmitted(test, await runCase(test)))
  } catch (error) {
    if (error instanceof Unsupported) return error.message
    return `the interpreter failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`
  }
}

export interface Tally {
  readonly passed: number
  readonly failed: number
}

/** Runs cases one after the other and prints a line for each that fails, and one at the end. */
export async function checkCases(cases: Iterable<readonly [string, Case]>): Promise<Tally> {
  let passed = 0
  let failed = 0
  for (const [label, test] of cases) {
    const difference = await checkCase(test)
    if (difference === undefined) passed += 1
    else failed += 1
    if (difference !== undefined) console.log(`${label}: ${difference}`)
  }
  console.log(`oracle: ${passed} passed, ${failed} failed`)
  return { passed, failed }
}
