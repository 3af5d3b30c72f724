import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import type { ProcessingGuarantee } from '../../lib/runtime/plan/settings.ts'
import type { CommitStep } from '../../lib/runtime/thread/commit.ts'
import { runChild, withBroker } from '../support/run-child.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { prepareTimers, seenFirings } from '../support/timers-subject.ts'

const TIMERS = 2_000
const CHILD = fileURLToPath(new URL('timers-crash-child.ts', import.meta.url))

const run = (...args: string[]) => runChild(CHILD, ...args)

/** Kills twice while timers fire, runs to the end with the changelog alone, and returns what came out. */
async function firings(guarantee: ProcessingGuarantee, step: CommitStep): Promise<string[]> {
  const directory = await temporaryDirectory()
  await withBroker(directory, broker => prepareTimers(broker, TIMERS))
  for (const fired of ['300', '100'])
    expect(await run(directory, `${TIMERS}`, guarantee, step, fired)).toBe('SIGKILL')
  await rm(join(directory, 'state'), { recursive: true })
  expect(await run(directory, `${TIMERS}`, guarantee)).toBe('finished')
  return withBroker(directory, seenFirings)
}

/** Shows what one has and the other has not: the whole of it would fill pages. */
function expectSame(seen: readonly string[], expected: readonly string[]): void {
  const [seenSet, expectedSet] = [new Set(seen), new Set(expected)]
  expect(seen.filter(line => !expectedSet.has(line))).toEqual([])
  expect(expected.filter(line => !seenSet.has(line))).toEqual([])
}

describe('kill -9 while timers fire, then recovery', () => {
  const keys = Array.from({ length: TIMERS }, (_, at) => `k${at}`)

  it.each<CommitStep>(['prepared', 'offsets-sent', 'committed', 'written'])(
    'exactly-once, %s: each has fired once',
    async step => {
      const seen = await firings('exactly-once', step)
      expectSame(
        seen,
        keys.map(key => `${key}=1`),
      )
      expect(seen.length).toBe(TIMERS)
    },
  )

  it.each<CommitStep>(['prepared', 'staged'])('at-least-once, %s: each has fired', async step => {
    const seen = await firings('at-least-once', step)
    expectSame(
      seen.map(line => line.replace(/=.*/, '')),
      keys,
    )
  })
})
