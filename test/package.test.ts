import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it } from 'vitest'
import { builtCli, ROOT } from './cli/built-cli.ts'
import { temporaryDirectory } from './support/temporary-directory.ts'

const execute = promisify(execFile)

beforeAll(async () => void (await builtCli()))

const TOPOLOGY = `import { serdes, StreamsBuilder } from 'millrace'

const builder = new StreamsBuilder()
builder
  .stream('in', { keySerde: serdes.string(), valueSerde: serdes.string() })
  .mapValues((text: string) => text.toUpperCase())
  .to('out', { keySerde: serdes.string(), valueSerde: serdes.string() })
export default builder.build()
`

const PROGRAM = `import { KafkaStreams, openBroker, serdes, silentLogger, StreamsBuilder } from 'millrace'
import { httpApp } from 'millrace/http'
import { TopologyTestDriver } from 'millrace/testing'

const builder = new StreamsBuilder()
builder.table('in', { keySerde: serdes.string(), valueSerde: serdes.string(), storeName: 'rows' })
const topology = builder.build()

const broker = await openBroker('memory')
const admin = await broker.admin()
await admin.createTopics([{ topic: 'in', partitionCount: 1 }])
const producer = await broker.producer({ clientId: 'writer' })
const bytes = text => new TextEncoder().encode(text)
producer.send({ topic: 'in', partition: 0, key: bytes('k'), value: bytes('v'), timestamp: 1, headers: [] })
await producer.flush()

const streams = new KafkaStreams(topology, { applicationId: 'app' }, { broker, logger: silentLogger })
const changed = new Promise(resolve => streams.changes('rows').subscribe(resolve))
await streams.start()
console.log(JSON.stringify(await changed), streams.store('rows').approximateNumEntries(), typeof TopologyTestDriver)
const answer = await httpApp(streams).request('/stores/rows/k')
console.log(answer.status, (await answer.json()).value)
await streams.close()
await producer.close()
await admin.close()
await broker.close()
`

const TYPES = `import { KafkaStreams, serdes, type Serde, type StreamsConfig } from 'millrace'
import { httpApp, type HttpAppOptions } from 'millrace/http'
import { TopologyTestDriver } from 'millrace/testing'

export const serde: Serde<number> = serdes.int64()
export const config: StreamsConfig = { applicationId: 'app' }
export const options: HttpAppOptions = { stores: { totals: { keySerde: serdes.string() } }, token: false }
export type Made = [KafkaStreams, TopologyTestDriver, ReturnType<typeof httpApp>]
// @ts-expect-error No setting has this name: were the types not found, this would be no error.
export const wrong: StreamsConfig = { applicationId: 'app', commitInterval: 1 }
`

/** An empty folder with the tarball of this package installed in it, as a user would. */
async function installed(): Promise<string> {
  const directory = await temporaryDirectory()
  // Built already; its scripts would build again under the feet of the tests beside this one.
  const pack = ['pack', '--ignore-scripts', '--json', '--pack-destination', directory]
  const { stdout } = await execute('npm', pack, { cwd: ROOT })
  const [{ filename, files }] = JSON.parse(stdout) as [{ filename: string; files: { path: string }[] }]
  const folders = new Set(files.map(({ path }) => path.split('/')[0]))
  expect([...folders].filter(name => name !== 'README.md').sort()).toEqual([
    'LICENSE',
    'dist',
    'package.json',
  ])
  const install = ['install', filename, '--prefer-offline', '--no-audit', '--no-fund', '--omit=optional']
  await execute('npm', install, { cwd: directory })
  return directory
}

describe('the package', () => {
  it('installed in an empty folder: the API, the types, and millrace run', async () => {
    const directory = await installed()
    const inDirectory = { cwd: directory, env: { ...process.env, MILLRACE_STATE_DIR: 'state' } }
    const files = { 'flow.ts': TOPOLOGY, 'lines.txt': 'hello\n', 'program.mjs': PROGRAM, 'types.mts': TYPES }
    for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text)

    const program = await execute(process.execPath, ['program.mjs'], inDirectory)
    expect(program.stdout).toBe('{"key":"k","value":"v","timestamp":1} 1 function\n200 v\n')

    const flow = ['--brokers', 'memory', '--input', 'in=lines.txt', '--print', 'out', '--exit-when-idle']
    const run = await execute('npx', ['millrace', 'run', 'flow.ts', ...flow], inDirectory)
    expect(run.stdout).toBe('null\tHELLO\n')

    const tsc = [
      join(ROOT, 'node_modules/typescript/bin/tsc'),
      '--noEmit',
      '--strict',
      '--module',
      'nodenext',
    ]
    const types = [
      '--skipLibCheck',
      '--types',
      'node',
      '--typeRoots',
      join(ROOT, 'node_modules/@types'),
      'types.mts',
    ]
    await execute(process.execPath, [...tsc, ...types], inDirectory).catch((error: { stdout?: string }) => {
      throw new Error(`the types do not hold: ${error.stdout}`)
    })
  })
})
