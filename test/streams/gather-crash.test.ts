import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openEmbeddedBroker, type EmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import type { CommitStep } from '../../lib/runtime/thread/commit.ts'
import {
  GATHER_STORES,
  gatherInput,
  PATIENCE_MS,
  wrongCounts,
  wrongEvents,
} from '../support/gather-subject.ts'
import { runChild, withBroker } from '../support/run-child.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { createTopics, produce, readAll } from '../support/topics.ts'
import type { GatherCrashRun } from './gather-crash-child.ts'

const CHILD = fileURLToPath(new URL('gather-crash-child.ts', import.meta.url))
const PARTITIONS = 2
const STEPS: readonly CommitStep[] = ['prepared', 'offsets-sent', 'committed', 'written']

const run = (options: GatherCrashRun) => runChild(CHILD, JSON.stringify(options))

describe('kill -9 while imports are gathered', () => {
  it('each ends once and right, after its deadline where it must; then nothing of it is left', async () => {
    const directory = await temporaryDirectory()
    const input = gatherInput({ imports: 60, jobsMax: 80, seed: 7 })
    await withBroker(directory, async broker => {
      await createTopics(broker, { results: PARTITIONS, events: PARTITIONS, counted: PARTITIONS })
      await produce(broker, 'results', PARTITIONS, input.pairs())
    })
    const base = { directory, aheadMs: 0, control: true }
    for (const step of STEPS) expect(await run({ ...base, kill: { step, records: 1_000 } })).toBe('SIGKILL')
    await rm(join(directory, 'state'), { recursive: true })
    expect(await run(base)).toBe('finished')
    // Deadlines pass while nothing runs, and then the time for which ended imports are remembered.
    expect(await run({ ...base, aheadMs: 1.5 * PATIENCE_MS })).toBe('finished')
    expect(await run({ ...base, aheadMs: 2.75 * PATIENCE_MS, toLastTimer: true })).toBe('finished')

    const broker = await openEmbeddedBroker({ directory: join(directory, 'broker') })
    onTestFinished(() => broker.close())
    expect(await wrongEvents(broker, input.expected)).toEqual([])
    // The control. Others it tells once, and too early.
    expect((await wrongCounts(broker, input.expected)).length).toBeGreaterThan(15)
    expect(await leftInChangelogs(broker)).toEqual([])
  })
})

/** What the changelogs have after their compaction, tombstones aside. */
async function leftInChangelogs(broker: EmbeddedBroker): Promise<string[]> {
  const left: string[] = []
  for (const store of GATHER_STORES) {
    const topic = `subject-${store}-changelog`
    await broker.compact(topic)
    for (const { value } of await readAll(broker, topic))
      if (value !== null) left.push(`an entry of ${store}`)
  }
  return left
}
