import { mkdir, writeFile } from 'node:fs/promises'
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
