import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { access, cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { builtCli, ROOT } from './cli/built-cli.ts'
import { needs } from './support/needs.ts'
import { temporaryDirectory } from './support/temporary-directory.ts'

const execute = promisify(execFile)

let folder: string
let tarball: Tarball

beforeAll(async () => {
  await builtCli()
  folder = await mkdtemp(join(tmpdir(), 'millrace-'))
  tarball = await packed(folder)
})

afterAll(() => rm(folder, { recursive: true, force: true }))

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

/** Both kinds of programs in one: what one of them makes is what the other knows. */
const COMMON = `const { StreamsBuilder, TopologyError, serdes } = require('millrace')
const { TopologyTestDriver } = require('millrace/testing')
const { httpApp } = require('millrace/http')

async function main() {
  const modules = { ...(await import('millrace')), ...(await import('millrace/testing')), ...(await import('millrace/http')) }
  const builder = new modules.StreamsBuilder()
  const text = { keySerde: serdes.string(), valueSerde: serdes.string() }
  builder.stream('in', text).mapValues(value => value + '!').to('out', text)
  const driver = new TopologyTestDriver(builder.build())
  driver.createInputTopic('in', text).pipeInput('k', 'v')
  console.log(driver.createOutputTopic('out', text).readValue())
  console.log(builder instanceof StreamsBuilder, driver instanceof modules.TopologyTestDriver, httpApp === modules.httpApp)
  try {
    new modules.StreamsBuilder().stream('in', text).groupByKey().count({ storeName: 'not a name' })
  } catch (error) {
    console.log(error instanceof TopologyError, error.stack.split('\\n').find(line => line.includes('node_modules')))
  }
}
main()
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

/**
 * One program of both kinds: a class has private fields, so a second declaration of it would be another
 * class.
 */
const MIXED = {
  'made.cts': `import { serdes, StreamsBuilder } from 'millrace'
import { TopologyTestDriver } from 'millrace/testing'

export const builder = new StreamsBuilder()
export const table = builder.table('in', { keySerde: serdes.string(), valueSerde: serdes.int64() })
export const driver = new TopologyTestDriver(builder.build())
`,
  'taken.mts': `import { KafkaStreams, openBroker, StreamsBuilder } from 'millrace'
import { TopologyTestDriver } from 'millrace/testing'
import { httpApp } from 'millrace/http'
import { builder, driver, table } from './made.cjs'

export const same: [StreamsBuilder, TopologyTestDriver] = [builder, driver]
const broker = await openBroker('memory')
const streams = new KafkaStreams(builder.build(), { applicationId: 'app' }, { broker })
export const value: number | undefined = streams.store(table).get('k')
export const app = httpApp(streams)
`,
}

interface Tarball {
  readonly path: string
  readonly bytes: number
  readonly files: readonly string[]
}

async function packed(directory: string): Promise<Tarball> {
  // Built already; its scripts would build again under the feet of the tests beside this one.
  const pack = ['pack', '--ignore-scripts', '--json', '--pack-destination', directory]
  const { stdout } = await execute('npm', pack, { cwd: ROOT })
  const [{ filename, size, files }] = JSON.parse(stdout) as [
    { filename: string; size: number; files: { path: string }[] },
  ]
  return { path: join(directory, filename), bytes: size, files: files.map(({ path }) => path) }
}

/** In an empty folder, as a user would. */
async function install(directory: string, { path }: Tarball): Promise<void> {
  const options = ['--prefer-offline', '--no-audit', '--no-fund', '--omit=optional']
  await execute('npm', ['install', path, ...options], { cwd: directory })
}

/** How TypeScript finds packages, and the kinds of files in which it does so. */
const RESOLUTIONS = [
  { module: 'nodenext', resolution: 'nodenext', file: 'types.mts' },
  { module: 'node16', resolution: 'node16', file: 'types.cts' },
  { module: 'node16', resolution: 'node16', file: 'types.mts' },
  { module: 'esnext', resolution: 'bundler', file: 'types.ts' },
  { module: 'commonjs', resolution: 'node10', file: 'types.ts' },
]

async function checkTypes(directory: string): Promise<void> {
  for (const [name, text] of Object.entries(MIXED)) await writeFile(join(directory, name), text)
  await checkFile(directory, { module: 'nodenext', resolution: 'nodenext', file: 'taken.mts' })
  for (const each of RESOLUTIONS) {
    await writeFile(join(directory, each.file), TYPES)
    await checkFile(directory, each)
  }
}

async function checkFile(
  directory: string,
  { module, resolution, file }: (typeof RESOLUTIONS)[number],
): Promise<void> {
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc')
  // What TypeScript 6 gives up is what others still use.
  const common = [
    '--noEmit',
    '--strict',
    '--skipLibCheck',
    '--target',
    'es2022',
    '--ignoreDeprecations',
    '6.0',
  ]
  const types = ['--types', 'node', '--typeRoots', join(ROOT, 'node_modules/@types')]
  const how = ['--module', module, '--moduleResolution', resolution]
  await execute(process.execPath, [tsc, ...common, ...types, ...how, file], { cwd: directory }).catch(
    (error: { stdout?: string }) => {
      throw new Error(`the types do not hold for ${resolution}, ${file}: ${error.stdout}`)
    },
  )
}

/** The examples, copied into a project as their README says, under the strictest settings. */
async function checkExamples(directory: string): Promise<void> {
  await cp(join(directory, 'node_modules/millrace/examples'), join(directory, 'src'), { recursive: true })
  const compilerOptions = {
    ...{ strict: true, noUncheckedIndexedAccess: true, exactOptionalPropertyTypes: true },
    ...{ noEmit: true, allowImportingTsExtensions: true, verbatimModuleSyntax: true },
    ...{ module: 'nodenext', target: 'es2022', lib: ['es2023', 'esnext.disposable'], skipLibCheck: true },
    ...{ types: ['node'], typeRoots: [join(ROOT, 'node_modules/@types')] },
  }
  // Their tests import vitest, which is none of this package's.
  const config = { compilerOptions, include: ['src'], exclude: ['**/*.test.ts'] }
  await writeFile(join(directory, 'tsconfig.json'), JSON.stringify(config))
  await writeFile(join(directory, 'package.json'), '{ "type": "module" }')
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc')
  await execute(process.execPath, [tsc, '-p', '.'], { cwd: directory }).catch(
    (error: { stdout?: string }) => {
      throw new Error(`the examples do not compile: ${error.stdout}`)
    },
  )
}

/** Files that package.json names, wherever it does so. */
function namedFiles(value: unknown): string[] {
  if (typeof value === 'string') return /^(\.\/)?dist\//.test(value) ? [value.replace(/^\.\//, '')] : []
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(namedFiles) : []
}

const MEGABYTE = 1_000_000

const { suite } = await needs('package')

await suite('the package', () => {
  it('installed in an empty folder: the API, the types, and millrace run', async () => {
    const directory = await temporaryDirectory()
    await install(directory, tarball)
    const inDirectory = { cwd: directory, env: { ...process.env, MILLRACE_STATE_DIR: 'state' } }
    const files = {
      'flow.ts': TOPOLOGY,
      'lines.txt': 'hello\n',
      'program.mjs': PROGRAM,
      'program.cjs': COMMON,
    }
    for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text)

    const program = await execute(process.execPath, ['program.mjs'], inDirectory)
    expect(program.stdout).toBe('{"key":"k","value":"v","timestamp":1} 1 function\n200 v\n')

    const common = await execute(process.execPath, ['program.cjs'], inDirectory)
    expect(common.stderr).toBe('')
    const [values, same, failed] = common.stdout.trim().split('\n')
    expect([values, same]).toEqual(['v!', 'true true true'])
    // The stack names a file that is there.
    const [, file] = /true .*\(?file:\/\/(.*?):\d+:\d+\)?$/.exec(failed!)!
    await access(file!)

    const flow = ['--brokers', 'memory', '--input', 'in=lines.txt', '--print', 'out', '--exit-when-idle']
    const run = await execute('npx', ['millrace', 'run', 'flow.ts', ...flow], inDirectory)
    expect(run.stdout).toBe('null\tHELLO\n')

    await checkTypes(directory)
    await checkExamples(directory)
  })

  it('depends on what its sources use, and on nothing else', () => {
    const { dependencies, optionalDependencies, peerDependencies } = JSON.parse(
      readFileSync(join(ROOT, 'package.json'), 'utf8'),
    ) as { [kind: string]: { [name: string]: string } }
    const files = readdirSync(join(ROOT, 'lib'), { recursive: true, encoding: 'utf8' })
    // The page of the console is bundled with what it uses.
    const sources = files
      .filter(name => name.endsWith('.ts') && !name.startsWith('console/page/'))
      .map(name => readFileSync(join(ROOT, 'lib', name), 'utf8'))
    // Imports, and packages that are loaded late, or of which a file is named.
    const naming =
      /(?: from |import\(|resolve\(|PACKAGE = |latePackage<[^(]*\()'((?:@[\w-]+\/)?[a-z][\w-]*)(?:\/[^']*)?'/g
    const used = new Set(sources.flatMap(text => [...text.matchAll(naming)].map(([, name]) => name!)))
    // This package itself, in examples; and what only tsx and projects bring along.
    for (const name of ['millrace', 'esbuild', 'typescript']) used.delete(name)
    expect([...used].sort()).toEqual(
      Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies }).sort(),
    )
  })

  it('is small, has what it names, and is right for publint and "are the types wrong"', async () => {
    expect(tarball.bytes).toBeLessThan(MEGABYTE)
    const folders = new Set(tarball.files.map(path => path.split('/')[0]))
    expect([...folders].sort()).toEqual([
      ...['CHANGELOG.md', 'LICENSE', 'README.md', 'dist', 'docs', 'examples', 'package.json', 'templates'],
    ])
    const code = tarball.files.filter(path => !/^(templates|examples)\//.test(path))
    const { bin, exports, main, types, typesVersions } = JSON.parse(
      readFileSync(join(ROOT, 'package.json'), 'utf8'),
    ) as Record<string, unknown>
    const named = namedFiles([bin, exports, main, types, typesVersions])
    expect(named.length).toBeGreaterThanOrEqual(17)
    expect(named.filter(path => !tarball.files.includes(path))).toEqual([])
    expect(
      code.filter(path => !/\.(js|cjs|d\.ts|d\.cts|md|json)$|^LICENSE$|^dist\/console\//.test(path)),
    ).toEqual([])
    for (const tool of [
      ['publint', 'run', tarball.path, '--strict'],
      ['attw', tarball.path],
    ]) {
      const [name, ...options] = tool as [string, ...string[]]
      await execute('npx', ['--no-install', name, ...options], { cwd: ROOT }).catch(
        (error: { stdout?: string; stderr?: string }) => {
          throw new Error(`${name}: ${error.stdout}${error.stderr}`)
        },
      )
    }
  })
})
