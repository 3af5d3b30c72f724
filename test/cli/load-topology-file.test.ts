import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ROOT } from './built-cli.ts'
import { directoryWith, runCli } from './cli-process.ts'

const FROM_SETTINGS = `import { StreamsBuilder, type Topology } from 'millrace'
import { topicNames } from './names.ts'

export default async function (settings: { readonly [name: string]: string }): Promise<Topology> {
  const builder = new StreamsBuilder()
  const { from, to } = topicNames(settings)
  builder.stream(from).to(to)
  return builder.build()
}
`
// Also imports the package: each file of a program must get the same one.
const NAMES = `import { Topology } from 'millrace'
await Promise.resolve()
export const made = new Topology()
export function topicNames({ from = 'in', to = 'out' }: { from?: string; to?: string }) {
  return { from, to }
}
`

const MANY_KINDS = {
  'tsconfig.json': '{ "extends": "./base.json", "compilerOptions": { "paths": { "@app/*": ["./app/*"] } } }',
  'base.json': '{ "compilerOptions": { "experimentalDecorators": true } }',
  'app/alias.ts': "export const alias: string = 'alias'",
  'app/folder/index.ts': "export const index: string = 'index'",
  'app/data.json': '{ "json": "json" }',
  'app/common.cts': "const cts: string = 'cts'; exports.cts = cts",
  'app/plain.ts': "export const js: string = 'js'",
  'app/module.mts': "export const mts: string = 'mts'",
  'app/flow.ts': `import { StreamsBuilder } from 'millrace'
import { alias } from '@app/alias'
import { index } from './folder'
import data from './data.json'
import { cts } from './common.cts'
import { js } from './plain.js'
import { mts } from './module.mts'
enum Size { Small, Large }
const seen: string[] = []
function decorated(target: unknown, name: string) { seen.push(name) }
class Subject { @decorated decorated(): void {} }
const names = [alias, index, data.json, cts, js, mts, Size.Large, ...seen, import.meta.url.split('/').at(-1)]
const builder = new StreamsBuilder()
builder.stream(names.join('-')).to('out')
export default builder.build()
`,
}

async function program(packageJson?: string): Promise<string> {
  return directoryWith({
    'flow.ts': FROM_SETTINGS,
    'names.ts': NAMES,
    ...(packageJson === undefined ? {} : { 'package.json': packageJson }),
  })
}

describe('a topology file', () => {
  it.each([
    ['without package.json', undefined],
    ['in an ES module package', '{ "type": "module" }'],
    ['in a CommonJS package, as npm init makes them', '{ "type": "commonjs" }'],
  ])('%s: TypeScript that imports TypeScript and awaits', async (_, packageJson) => {
    const end = await runCli(['describe', 'flow.ts', '--set', 'to=elsewhere'], {
      directory: await program(packageJson),
    })
    expect(end.stderr).toBe('')
    expect(end.stdout).toContain('(topics: [in])')
    expect(end.stdout).toContain('(topic: elsewhere)')
  })

  it('imports the package that runs it, not another copy that is installed', async () => {
    const directory = await program()
    const copy = join(directory, 'node_modules/millrace')
    await mkdir(copy, { recursive: true })
    await writeFile(
      join(copy, 'package.json'),
      '{ "name": "millrace", "type": "module", "exports": "./copy.js" }',
    )
    await writeFile(join(copy, 'copy.js'), "throw new Error('the other copy was loaded')\n")
    const end = await runCli(['describe', 'flow.ts'], { directory })
    expect(end.stderr).toBe('')
    expect(end.code).toBe(0)
  })

  it('that reaches the package by a path is told so', async () => {
    const directory = await directoryWith({
      'path.ts': `import { StreamsBuilder } from '${join(ROOT, 'lib/index.ts')}'
const builder = new StreamsBuilder()
builder.stream('in').to('out')
export default builder.build()
`,
    })
    const end = await runCli(['describe', 'path.ts'], { directory })
    expect(end.stderr).toContain('made by another copy of millrace')
    expect(end.code).toBe(1)
  })

  it('may be written in all that the TypeScript loader takes, by the settings of its tsconfig.json', async () => {
    const end = await runCli(['describe', 'app/flow.ts'], { directory: await directoryWith(MANY_KINDS) })
    expect(end.stderr).toBe('')
    expect(end.stdout).toContain('(topics: [alias-index-json-cts-js-mts-1-decorated-flow.ts])')
  })

  it('loads where nothing temporary can be written, as in a read-only container', async () => {
    const directory = await directoryWith({ 'flow.ts': FROM_SETTINGS, 'names.ts': NAMES, file: '' })
    const env = { TMPDIR: join(directory, 'file/folder') }
    const end = await runCli(['describe', 'flow.ts'], { directory, env })
    expect(end).toMatchObject({ code: 0, stderr: '' })
    expect(end.stdout).toContain('(topics: [in])')
  })

  it.each(['flow.cjs', 'flow.js'])('may be CommonJS that requires the package (%s)', async name => {
    const directory = await directoryWith({
      [name]: `const { serdes, StreamsBuilder } = require('millrace')
const text = { keySerde: serdes.string(), valueSerde: serdes.string() }
const builder = new StreamsBuilder()
builder.stream('in', text).to('out', text)
module.exports = builder.build()
`,
    })
    await mkdir(join(directory, 'node_modules'))
    await symlink(ROOT, join(directory, 'node_modules/millrace'))
    const end = await runCli(['describe', name], { directory })
    expect(end).toMatchObject({ code: 0, stderr: '' })
    expect(end.stdout).toContain('(topics: [in])')
  })

  it('is told what to be instead where it is CommonJS in TypeScript', async () => {
    const directory = await directoryWith({ 'flow.cts': 'module.exports = 1' })
    const end = await runCli(['describe', 'flow.cts'], { directory })
    expect(end.code).toBe(1)
    expect(end.stderr).toContain('TOPOLOGY_FILE_INVALID: flow.cts cannot be run: ')
    expect(end.stderr).toContain('name it .ts or .mts')
  })

  it('that does not load is told as that, be there a broker or not', async () => {
    const directory = await directoryWith({ 'broken.ts': "throw new Error('broken here')\n" })
    const end = await runCli(['run', 'broken.ts', '--brokers', '127.0.0.1:1'], { directory })
    expect(end.stderr).toMatch(/^error: TOPOLOGY_FILE_BROKEN: .*broken here/)
    expect(end.stderr).not.toContain('BROKER_UNREACHABLE')
    expect(end.code).toBe(1)
  })

  it('takes settings only where it exports a function', async () => {
    const directory = await directoryWith({
      'fixed.ts': `import { Topology } from 'millrace'
export default new Topology().addSource('source', { topics: ['in'] })
`,
    })
    const end = await runCli(['describe', 'fixed.ts', '--set', 'to=elsewhere'], { directory })
    expect(end.stderr).toContain('UNKNOWN_SETTING: --set to: no such setting')
    expect(end.code).toBe(2)
  })
})
