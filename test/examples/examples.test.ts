import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { SchemaRegistry, SerdePendingError, serdes } from 'millrace'
import { TopologyTestDriver } from 'millrace/testing'
import { expect, onTestFinished, test } from 'vitest'
import sensors, { averageSchema, readingSchema, type Reading } from '../../examples/sensors/sensors.ts'
import { builtCli, ROOT } from '../cli/built-cli.ts'
import { runCli } from '../cli/cli-process.ts'
import { eventually } from '../support/eventually.ts'
import { HttpRegistry } from '../support/http-registry.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

/** A copy of an example, with what its README says to install. */
async function copyOf(example: string): Promise<string> {
  const directory = await temporaryDirectory()
  for (const name of ['hono', '@hono/node-server']) await link(join('node_modules', name), directory)
  await symlink(ROOT, join(directory, 'node_modules/millrace'))
  await writeFile(join(directory, 'package.json'), '{ "type": "module" }')
  await cp(join(ROOT, 'examples', example), directory, { recursive: true })
  return directory
}

async function link(path: string, directory: string): Promise<void> {
  await mkdir(join(directory, dirname(path)), { recursive: true })
  await symlink(join(ROOT, path), join(directory, path))
}

test('sessions: the command of its README prints what it says', async () => {
  const directory = await copyOf('sessions')
  const readme = await readFile(join(directory, 'README.md'), 'utf8')
  const [, write, command] = /```sh\n(printf .*)\nnpx millrace (.*)\n```/.exec(readme)!
  await once(spawn('sh', ['-c', write!], { cwd: directory }), 'exit')
  const end = await runCli(command!.split(' '), { directory })
  expect(end).toMatchObject({ code: 0 })
  const ten = Date.parse('2026-01-01T10:00:00Z')
  const visit = { pages: ['/a'], startMs: ten, endMs: ten, name: null }
  expect(end.stdout).toBe(`u1\t${JSON.stringify(visit)}\n`)
})

test('orders: the program serves what is put, and ends by a signal', async () => {
  await builtCli()
  const directory = await copyOf('orders')
  const child = spawn(
    process.execPath,
    ['--import', join(ROOT, 'node_modules/tsx/dist/loader.mjs'), 'main.ts'],
    {
      cwd: directory,
      env: { ...process.env, PORT: '0', MILLRACE_BROKERS: undefined },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  onTestFinished(() => void child.kill('SIGKILL'))
  const ended = once(child, 'exit')
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string]
  const [url] = /http:\S+/.exec(line)!
  const put = async (path: string, value: object) =>
    (await fetch(`${url}${path}`, { method: 'PUT', body: JSON.stringify(value) })).status

  expect(await put('/products/p1', { title: 'Tea', cents: 300 })).toBe(202)
  expect(await put('/orders/o1', { customer: 'c1', product: 'p1', quantity: 2 })).toBe(202)
  await eventually(async () => {
    const answer = await fetch(`${url}/state/stores/order-views/o1`)
    expect(await answer.json()).toMatchObject({ value: { title: 'Tea', cents: 600 } })
    return true
  })
  child.kill('SIGTERM')
  expect(await ended).toEqual([0, null])
})

test('sensors: with a registry, and a reading of a newer schema', async () => {
  await using registry = await HttpRegistry.open()
  using driver = new TopologyTestDriver(await sensors({ registry: registry.url }))
  const client = new SchemaRegistry({ url: registry.url })
  const keySerde = serdes.string()
  const battery = { name: 'battery', type: ['null', 'double'], default: null } as const
  const newer = { ...readingSchema, fields: [...readingSchema.fields, battery] } as const
  const valueSerde = await client.avro<Reading & { battery: number }>({
    topic: 'readings',
    schema: newer,
    register: true,
  })
  const readings = driver.createInputTopic('readings', { keySerde, valueSerde })
  const told = driver.createOutputTopic('averages', {
    keySerde,
    valueSerde: await client.avro({ topic: 'averages', schema: averageSchema }),
  })

  const read = (celsius: number, atMs: number) => readings.pipeInput('s1', { celsius, atMs, battery: 0.5 })
  // Nothing can wait for the schema here; an application does.
  await pendingOf(() => read(20, 0)).settled
  read(21, 70_000)
  expect(told.readValue()).toEqual({ fromMs: 0, count: 1, mean: 20, max: 20 })
})

function pendingOf(action: () => void): SerdePendingError {
  try {
    action()
  } catch (error) {
    if (error instanceof SerdePendingError) return error
    throw error
  }
  throw new Error('the schema was known')
}
