import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import type { CommitStep } from '../../lib/runtime/thread/commit.ts'
import {
  asyncInput,
  expectedAsync,
  expectSameAsync,
  prepareAsync,
  seenAsync,
} from '../support/async-subject.ts'
import { runChild, withBroker } from '../support/run-child.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const RECORDS = 1_000
const CHILD = fileURLToPath(new URL('async-crash-child.ts', import.meta.url))
const STEPS: readonly CommitStep[] = ['prepared', 'committed']

const run = (...args: string[]) => runChild(CHILD, ...args)

describe('kill -9 with asynchronous calls under way, then recovery: as if nothing had happened', () => {
  const input = asyncInput(RECORDS)
  const expected = expectedAsync(input, 1)

  it.each(STEPS)('%s', async step => {
    const directory = await temporaryDirectory()
    await withBroker(directory, broker => prepareAsync(broker, input, 1))
    // The fifth commit with calls under way; then the second of a recovered run.
    for (const [seed, occurrence] of [
      ['41', '5'],
      ['42', '2'],
    ] as const)
      expect(await run(directory, `${RECORDS}`, seed, step, occurrence)).toBe('SIGKILL')
    expect(await run(directory, `${RECORDS}`, '43')).toBe('finished')
    await withBroker(directory, async broker => expectSameAsync(await seenAsync(broker, 1), expected))
  })
})
