import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import type { ProcessingGuarantee } from '../../lib/runtime/plan/settings.ts'
import type { CommitStep } from '../../lib/runtime/thread/commit.ts'
import { runChild, withBroker } from '../support/run-child.ts'
import { firedTimes, gapsAndDoubles } from '../support/schedules-subject.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { createTopics } from '../support/topics.ts'

const CHILD = fileURLToPath(new URL('schedules-crash-child.ts', import.meta.url))
const run = (...args: string[]) => runChild(CHILD, ...args)

/** Kills twice while a schedule fires, runs to the end with the changelog alone, and returns the times. */
async function times(guarantee: ProcessingGuarantee, step: CommitStep, firings: number): Promise<number[]> {
  const directory = await temporaryDirectory()
  await withBroker(directory, broker => createTopics(broker, { out: 1, mails: 1 }))
  for (const fired of ['40', '300']) expect(await run(directory, guarantee, fired, step)).toBe('SIGKILL')
  await rm(join(directory, 'state'), { recursive: true })
  expect(await run(directory, guarantee, String(firings))).toBe('finished')
  return withBroker(directory, broker => firedTimes(broker, 'out'))
}

describe('kill -9 while a schedule fires, then recovery', () => {
  it.each<[CommitStep, number]>([
    ['prepared', 5_000],
    ['offsets-sent', 5_000],
    ['committed', 5_000],
    ['written', 5_000],
  ])(
    'exactly-once, %s: each time fires once',
    async (step, firings) => {
      const seen = await times('exactly-once', step, firings)
      expect(gapsAndDoubles(seen)).toEqual([])
    },
    120_000,
  )

  it('at-least-once, prepared: each time fires', async () => {
    const seen = await times('at-least-once', 'prepared', 5_000)
    expect(gapsAndDoubles([...new Set(seen)])).toEqual([])
  }, 120_000)
})
