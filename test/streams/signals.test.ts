import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const CHILD = fileURLToPath(new URL('signals-child.ts', import.meta.url))

async function started(how = '') {
  const child = spawn(process.execPath, ['--import', 'tsx', CHILD, await temporaryDirectory(), how])
  onTestFinished(() => void child.kill('SIGKILL'))
  const ended = once(child, 'exit')
  let out = ''
  let errors = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text))
  const printed = (text: string) => eventually(() => out.includes(text))
  await printed('started\n')
  return { child, printed, ended, errors: () => errors }
}

it.each(['SIGTERM', 'SIGINT'] as const)(
  '%s closes the application, then what is the program’s; the process ends',
  async name => {
    const { child, printed, ended } = await started()
    child.kill(name)
    await printed('not-running\n')
    expect(await ended).toEqual([0, null])
  },
)

it('a failure on the way is the exit code', async () => {
  const { child, ended } = await started('fails')
  child.kill('SIGTERM')
  expect(await ended).toEqual([1, null])
})

it('a second signal ends the process at once, where the first one does not', async () => {
  const { child, printed, ended, errors } = await started('hangs')
  child.kill('SIGTERM')
  await printed('not-running\n')
  // What comes within half a second is taken for the same signal.
  const again = setInterval(() => child.kill('SIGTERM'), 200)
  onTestFinished(() => clearInterval(again))
  expect(await ended).toEqual([1, null])
  expect(errors()).toContain('INTERRUPTED: ended at once by a second SIGTERM')
})
