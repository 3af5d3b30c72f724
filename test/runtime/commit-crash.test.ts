import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, type TestContext } from 'vitest'
import { openEmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import type { CommitStep } from '../../lib/runtime/thread/commit.ts'
import type { ProcessingGuarantee } from '../../lib/runtime/plan/settings.ts'
import {
  expectBeginning,
  expectedOutcome,
  expectNothingLost,
  expectSame,
  prepareSubject,
  seenLetters,
  seenOutcome,
  withoutRefused,
} from '../support/commit-subject.ts'
import { bundledChild } from '../support/bundled-child.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import type { CrashOptions } from './crash-child.ts'

const RECORDS = 1_500
const child = bundledChild(fileURLToPath(new URL('crash-child.ts', import.meta.url)))
/**
 * Inputs whose outputs are refused: one in each of the commits that are under way at a crash, or in the next.
 */
const REFUSED = [7, 30, 55, 80, 105, 130, 155, 180, 205, 1_499]
/** In one of the epochs behind the second commit. */
const BAD = 80

/** Resolves with how the child ended, and what it said. */
async function run(options: CrashOptions): Promise<{ end: string; output: string }> {
  const running = spawn(process.execPath, [child.path, JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  running.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const [code, signal] = (await once(running, 'close')) as [number | null, string | null]
  return { end: signal ?? `exit code ${code}`, output: output.trim() }
}

async function withBroker<T>(
  directory: string,
  use: (broker: Awaited<ReturnType<typeof openEmbeddedBroker>>) => Promise<T>,
) {
  const broker = await openEmbeddedBroker({ directory: join(directory, 'broker') })
  try {
    return await use(broker)
  } finally {
    await broker.close()
  }
}

/** At-least-once has no transaction, and so not all of the steps. */
const STEPS: { readonly [guarantee in ProcessingGuarantee]: readonly CommitStep[] } = {
  'exactly-once': ['prepared', 'offsets-sent', 'committed', 'staged', 'written'],
  'at-least-once': ['prepared', 'staged', 'written'],
}
const guarantees = ['exactly-once', 'at-least-once'] as const
const expected = expectedOutcome(RECORDS)
const FINISHED = { end: 'exit code 0', output: 'finished' }
const FAILED = { end: 'exit code 0', output: 'ended: PRODUCTION_FAILED' }

async function prepared(
  options: Omit<CrashOptions, 'directory' | 'records'>,
  test: TestContext,
): Promise<CrashOptions> {
  const directory = await temporaryDirectory(test)
  await withBroker(directory, broker => prepareSubject(broker, RECORDS))
  return { ...options, directory, records: RECORDS }
}

/**
 * Ends it at the step of the third commit: there is one before to go back to. Then of the first of a
 * recovered run; then of one in its middle. Resolves with how many records of the next epochs were processed
 * by then.
 */
async function crashThrice(options: CrashOptions, step: CommitStep): Promise<number> {
  let nextEpoch = 0
  for (const occurrence of [3, 1, 4]) {
    const { end, output } = await run({ ...options, step, occurrence })
    expect(end).toBe('SIGKILL')
    nextEpoch += Number(/next epoch: (\d+)/.exec(output)?.[1])
  }
  return nextEpoch
}

describe('kill -9 at every step of the commit, then recovery: as if nothing had happened', () => {
  it.concurrent.for(STEPS['exactly-once'])('%s', async (step, test) => {
    const options = await prepared({ processingGuarantee: 'exactly-once' }, test)
    // Behind the first step both epochs were open: records of the next one had been processed.
    expect((await crashThrice(options, step)) > 0).toBe(step !== 'prepared')
    expect(await run(options)).toEqual(FINISHED)
    await withBroker(options.directory, async broker => expectSame(await seenOutcome(broker), expected))
  })
})

describe.each(guarantees)('the same where outputs are refused for good (%s)', processingGuarantee => {
  const isExactlyOnce = processingGuarantee === 'exactly-once'

  it.concurrent.for(STEPS[processingGuarantee])(
    'and let go: all the rest, and their letters; %s',
    async (step, test) => {
      const refused = { numbers: REFUSED, handler: 'continue' } as const
      const options = await prepared({ processingGuarantee, refused }, test)
      await crashThrice(options, step)
      expect(await run(options)).toEqual(FINISHED)
      const rest = withoutRefused(expected, REFUSED)
      await withBroker(options.directory, async broker => {
        const [seen, letters] = [await seenOutcome(broker), await seenLetters(broker)]
        if (isExactlyOnce) expectSame(seen, rest, REFUSED)
        else expectNothingLost(seen, rest)
        expect(isExactlyOnce ? letters : [...new Set(letters)].sort((a, b) => a - b)).toEqual(REFUSED)
      })
    },
  )

  it.concurrent.for(STEPS[processingGuarantee])(
    'and may not be: ends each time, nothing behind it; %s',
    async (step, test) => {
      const refused = { numbers: [BAD], handler: 'fail' } as const
      const options = await prepared({ processingGuarantee, refused }, test)
      expect((await run({ ...options, step, occurrence: 2 })).end).toBe('SIGKILL')
      for (let time = 0; time < 2; time += 1) expect(await run(options)).toEqual(FAILED)
      await withBroker(options.directory, async broker => {
        const seen = await seenOutcome(broker)
        if (isExactlyOnce) expectBeginning(seen, expected, BAD)
        expect(seen.times.some(line => line.includes(`=v${BAD}|`))).toBe(false)
        // A letter belongs to the transaction; without one it may be there for what failed.
        const letters = await seenLetters(broker)
        expect(isExactlyOnce ? letters : letters.filter(each => each !== BAD)).toEqual([])
      })
    },
  )
})
