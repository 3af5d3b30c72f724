import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'

const CHILD = fileURLToPath(new URL('stuck-call-child.ts', import.meta.url))

it.each(['ends', 'exits'])(
  'a process with a native call that never returns %s once its client is closed',
  async how => {
    const child = spawn(process.execPath, ['--import', 'tsx', CHILD, how], { stdio: 'ignore' })
    onTestFinished(() => void child.kill('SIGKILL'))
    expect(await once(child, 'exit')).toEqual([null, 'SIGKILL'])
  },
)
