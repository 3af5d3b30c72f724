import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'

const CHILD = fileURLToPath(new URL('exit-now-child.ts', import.meta.url))

it.each([
  ['with its exit code', 'idle', [3, null]],
  ['killed, where a thread of the pool never comes back', 'busy', [null, 'SIGKILL']],
])('a process ends %s', async (_, how, end) => {
  const child = spawn(process.execPath, ['--import', 'tsx', CHILD, how], { stdio: 'ignore' })
  onTestFinished(() => void child.kill('SIGKILL'))
  expect(await once(child, 'exit')).toEqual(end)
})
