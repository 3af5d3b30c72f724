import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { openEmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import type { CommitStep } from '../../lib/runtime/commit.ts'
import { expectedOutcome, expectSame, prepareSubject, seenOutcome } from '../support/commit-subject.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const RECORDS = 1_500
const CHILD = fileURLToPath(new URL('crash-child.ts', import.meta.url))
const STEPS: readonly CommitStep[] = ['prepared', 'offsets-sent', 'committed', 'staged', 'written']

/** Resolves with how the child ended, and what it said. */
async function run(...args: string[]): Promise<{ end: string; output: string }> {
  const child = spawn(process.execPath, ['--import', 'tsx', CHILD, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
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

describe('kill -9 at every step of the commit, then recovery: as if nothing had happened', () => {
  const expected = expectedOutcome(RECORDS)

  it.each(STEPS)('%s', async step => {
    const directory = await temporaryDirectory()
    await withBroker(directory, broker => prepareSubject(broker, RECORDS))
    // The third commit: there is one before to go back to. Then the first of a recovered run; then one in its middle.
    let nextEpoch = 0
    for (const occurrence of [3, 1, 4]) {
      const { end, output } = await run(directory, `${RECORDS}`, step, `${occurrence}`)
      expect(end).toBe('SIGKILL')
      nextEpoch += Number(/next epoch: (\d+)/.exec(output)?.[1])
    }
    // Behind the first step both epochs were open: records of the next one had been processed.
    expect(nextEpoch > 0).toBe(step !== 'prepared')
    expect(await run(directory, `${RECORDS}`)).toEqual({ end: 'exit code 0', output: 'finished' })
    await withBroker(directory, async broker => expectSame(await seenOutcome(broker), expected))
  })
})
