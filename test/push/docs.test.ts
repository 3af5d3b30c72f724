import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import WebSocket from 'ws'
import { builtCli, ROOT } from '../cli/built-cli.ts'
import { checkTypes } from '../docs/check-types.ts'
import { userFolder } from '../docs/user-folder.ts'
import { eventually } from '../support/eventually.ts'

const blocks = [...readFileSync(join(ROOT, 'docs/push.md'), 'utf8').matchAll(/```ts\n([\s\S]*?)```/g)].map(
  ([, code]) => code!,
)

test('the programs of the page hold to the types, and push', async () => {
  await builtCli()
  const directory = await userFolder(
    new Map([
      ['topology.ts', `${blocks[0]}\nexport default builder.build()\n`],
      ['serve.ts', blocks[1]!],
    ]),
  )
  await checkTypes(directory, ['topology.ts', 'serve.ts'])
  const tsx = join(ROOT, 'node_modules/tsx/dist/loader.mjs')
  const args = ['--import', tsx, 'serve.ts']
  const child = spawn(process.execPath, args, { cwd: directory, stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  let output = ''
  child.stdout.on('data', data => (output += String(data)))
  const line = await eventually(() => output.split('\n').find(text => text.startsWith('{')))
  const { address, channel, token } = JSON.parse(line) as {
    address: { port: number }
    channel: string
    token: string
  }
  const query = new URLSearchParams({ channel, token })
  const socket = new WebSocket(`ws://127.0.0.1:${address.port}/push/events?${query}`)
  const messages: { seq: number; data: unknown; terminal?: true }[] = []
  socket.on('message', data => messages.push(JSON.parse(String(data))))
  await eventually(() => messages.length === 2)
  expect(messages.map(({ seq, data, terminal }) => [seq, data, terminal])).toEqual([
    [1, { type: 'progress', percent: 50 }, undefined],
    [2, { type: 'completed', percent: 100 }, true],
  ])
  const closed = once(socket, 'close')
  const ended = once(child, 'close')
  child.kill('SIGTERM')
  expect((await closed)[0]).toBe(1001)
  expect(await ended).toEqual([0, null])
})
