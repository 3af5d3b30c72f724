import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { bundledChild } from '../support/bundled-child.ts'
import {
  createIndexTopics,
  expectedIndex,
  feedSites,
  indexInTopic,
  siteChanges,
} from '../support/index-subject.ts'
import { withBroker } from '../support/run-child.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import type { IndexChildOptions } from './index-child.ts'

const PARTITIONS = 2
const child = bundledChild(fileURLToPath(new URL('index-child.ts', import.meta.url)))

async function run(options: IndexChildOptions): Promise<string> {
  const running = spawn(process.execPath, [child.path, JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  running.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const [code, signal] = (await once(running, 'close')) as [number | null, string | null]
  return signal ?? (code === 0 ? output : `exit code ${code}`)
}

describe('kill -9 in the middle of commits, then recovery: the index is what a batch computes', () => {
  it.concurrent.for([
    ['prepared', 'with its state', false],
    ['committed', 'with its state', false],
    ['staged', 'restored from the changelogs', true],
  ] as const)('%s, %s', async ([step, _how, isWiped], test) => {
    const directory = await temporaryDirectory(test)
    const changes = siteChanges(step.length, 500)
    await withBroker(directory, async broker => {
      await createIndexTopics(broker, PARTITIONS)
      await feedSites(broker, PARTITIONS, changes)
    })
    for (const occurrence of [3, 1, 5]) {
      expect(await run({ directory, step, occurrence })).toBe('SIGKILL')
      if (isWiped) await rm(join(directory, 'state'), { recursive: true })
    }
    const expected = expectedIndex(changes)
    const shown = JSON.parse(await run({ directory })) as { entries: string[]; counted: number; rows: number }
    expect(shown).toEqual({ entries: expected, counted: expected.length, rows: expected.length })
    await withBroker(directory, async broker => expect(await indexInTopic(broker)).toEqual(expected))
  })
})
