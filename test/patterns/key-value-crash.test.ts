import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, it } from 'vitest'
import { bundledChild } from '../support/bundled-child.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const child = bundledChild(new URL('key-value-child.ts', import.meta.url).pathname)

/** What the process wrote before it ended, and whether it was killed. */
async function run(directory: string, count: number, killAt: number) {
  const args = [child.path, directory, String(count), String(killAt)]
  const started = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  started.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const [, signal] = (await once(started, 'close')) as [number | null, string | null]
  return { lines: output.split('\n'), isKilled: signal === 'SIGKILL' }
}

it('a process with the single writer that is killed anywhere has each acknowledged write, once', async () => {
  const directory = await temporaryDirectory()
  const acknowledged: string[] = []
  let kills = 0
  for (const killAt of [47, 58, 59, 60, 61, 62, 63]) {
    const { lines, isKilled } = await run(directory, 4, killAt)
    acknowledged.push(...lines.filter(line => /^\d+-\d+$/.test(line)))
    if (isKilled) kills += 1
  }
  const { lines } = await run(directory, 0, 0)
  const { ids } = JSON.parse(lines.at(-1)!) as { readonly ids: readonly string[] }
  expect(new Set(ids).size).toBe(ids.length)
  expect(ids).toEqual(expect.arrayContaining(acknowledged))
  // A write whose process died before it heard of it may be there as well: one a kill.
  expect(ids.length - acknowledged.length).toBeLessThanOrEqual(kills)
  expect(kills).toBeGreaterThan(3)
  expect(acknowledged.length).toBeGreaterThan(3)
})
