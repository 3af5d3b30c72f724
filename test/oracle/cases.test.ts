import { afterAll, describe, expect, it } from 'vitest'
import { buildTopology } from './build-topology.ts'
import type { Case } from './case.ts'
import { readCases, Unsupported } from './case.ts'
import { comparable, withoutOmitted } from './compare.ts'
import { runCase } from './run-case.ts'

// What Kafka Streams does with each case stands in its `expect`. Cases that need something not built yet are
// found out by building them, so they join in by themselves when it comes; until then they are counted aloud.
const cases = readCases()
const waiting = new Map<string, string[]>()
const ready = cases.filter(test => isBuildable(test))

describe('golden cases of Kafka Streams', () => {
  it.each(ready.map(test => [test.name, test] as const))('%s', async (_name, test) => {
    const found = withoutOmitted(test, await runCase(test))
    expect(found).toEqual(comparable(test))
  })

  it('runs a fair part of the cases', () => {
    expect(ready.length).toBeGreaterThan(250)
  })

  afterAll(() => {
    const reasons = [...waiting].map(([what, names]) => `\n  ${what}: ${names.length}`).join('')
    console.log(
      `golden cases: ${ready.length} run, ${cases.length - ready.length} wait for${reasons || ' nothing'}`,
    )
  })
})

function isBuildable(test: Case): boolean {
  try {
    buildTopology(test)
  } catch (error) {
    if (!(error instanceof Unsupported)) return true
    waiting.set(error.what, [...(waiting.get(error.what) ?? []), test.name])
    return false
  }
  return true
}
