import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it } from 'vitest'
import { builtCli, ROOT } from './cli/built-cli.ts'
import { temporaryDirectory } from './support/temporary-directory.ts'

/** The documents whose programs and commands this suite runs; `test/docs` has those of the other pages. */
const PAGES = [
  'README.md',
  'docs/architecture.md',
  'docs/benchmarks.md',
  'docs/command-line.md',
  'docs/differences-from-kafka-streams.md',
  'docs/getting-started.md',
  'docs/guarantees.md',
  'docs/operations.md',
  'docs/patterns.md',
  'docs/running-on-kafka.md',
]

const TEXTS = PAGES.map(page => readFileSync(join(ROOT, page), 'utf8'))

interface Block {
  readonly language: string
  readonly lines: readonly string[]
}

const blocks: readonly Block[] = TEXTS.flatMap(text =>
  [...text.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map(([, language, body]) => ({
    language: language!,
    lines: body!.trimEnd().split('\n'),
  })),
)

/** A program of the documents: the block whose first line is its name. */
function program(name: string): string {
  const block = blocks.find(({ lines }) => lines[0] === `// ${name}`)
  if (!block) throw new Error(`no document has a program ${name}`)
  return `${block.lines.join('\n')}\n`
}

/** Where each command of the documents is run; `here`: in this file. */
const COMMANDS: { readonly [command: string]: string } = {
  'npm ci && npm start': 'test/cli/several-files.test.ts',
  'npm ci && npm test': '.ci/run',
  [String.raw`printf '{"page":"/a","ms":250}\n{"page":"/a","ms":150}\n{"page":"/b","ms":50}\n' > views.txt`]:
    'here',
  'npx millrace run page-views.ts --input views=views.txt --print page-totals --exit-when-idle': 'here',
  'npx tsx --test page-views.test.ts': 'here',
  'npm create millrace@latest my-app': 'test/cli/init.test.ts',
  'cd my-app && npm install': 'test/cli/init.test.ts',
  'npm run dev': 'test/cli/dev.test.ts',
  'npm install @confluentinc/kafka-javascript': '.ci/run',
  'npx millrace run page-views.ts --brokers localhost:9092': 'test/cli/kafka.test.ts',
  'npm run build && npx tsx test/chaos/main.ts --rows 60000 --kills 3': 'test/chaos/contacts-import.test.ts',
  'npm run build && npx tsx test/chaos/views-main.ts --updates 2000 --kills 2': 'test/chaos/views.test.ts',
  'npm run oracle -- test/oracle/cases': '.ci/run',
  'npm run oracle:fuzz -- --seed 7 --count 50': '.ci/run',
  'npm run bench -- all': '.ci/run',
  'npm run bench -- compare --json results.json --svg chart.svg': '.ci/run',
  'npm run bench -- cost --what keys': '.ci/run',
  'npm run bench -- count --brokers localhost:9092 --guarantee exactly-once': '.ci/run',
  'npm run chaos -- --cluster': 'test/chaos/chaos.test.ts',
  'npm run chaos -- --stalls --count 200   # event loop, process, broker stalled at random points of the commit (25 minutes)':
    'test/chaos/chaos.test.ts',
  'npm run chaos -- --all --minutes 10     # faults of every kind at once': 'test/chaos/chaos.test.ts',
  'npm run check': '.ci/run',
  'npm run kafka': 'test/kafka/trial.test.ts',
}

const run = promisify(execFile)

/** A user's folder with the documents' programs, and this package where `npm install` would put it. */
async function userFolder(): Promise<string> {
  const directory = await temporaryDirectory()
  await mkdir(join(directory, 'node_modules'))
  await symlink(ROOT, join(directory, 'node_modules/millrace'))
  await writeFile(join(directory, 'package.json'), '{ "type": "module" }')
  for (const name of ['page-views.ts', 'page-views.test.ts', 'embed.ts', 'serve.ts'])
    await writeFile(join(directory, name), program(name))
  return directory
}

beforeAll(async () => void (await builtCli()))

describe('README and documents', () => {
  it('have no command that is not run somewhere', () => {
    const commands = blocks.filter(({ language }) => language === 'sh').flatMap(({ lines }) => lines)
    expect([...new Set(commands)].sort()).toEqual(Object.keys(COMMANDS).sort())
    for (const place of Object.values(COMMANDS))
      expect(place === 'here' || existsSync(join(ROOT, place)), place).toBe(true)
  })

  it('have a topology of 20-odd lines that runs by its commands, and goes on when run again', async () => {
    const directory = await userFolder()
    const [write, millrace] = Object.keys(COMMANDS).filter(command => COMMANDS[command] === 'here')
    await run('sh', ['-c', write!], { cwd: directory })
    const command = millrace!.replace('npx millrace', `${process.execPath} ${await builtCli()}`)
    const first = await run('sh', ['-c', command], { cwd: directory })
    expect(TEXTS.join('\n')).toContain('prints `/a\t{"views":2,"ms":400}`')
    expect(first.stdout.trim().split('\n').at(-1)).toBe('/a\t{"views":2,"ms":400}')
    const second = await run('sh', ['-c', command], { cwd: directory })
    expect(second.stdout.trim().split('\n').at(-1)).toBe('/a\t{"views":4,"ms":800}')
  })

  it('have a test of it that passes, and that fails where the topology does something else', async () => {
    const directory = await userFolder()
    const test = () =>
      run(join(ROOT, 'node_modules/.bin/tsx'), ['--test', 'page-views.test.ts'], { cwd: directory })
    expect((await test()).stdout).toMatch(/pass 1$/m)
    await writeFile(join(directory, 'page-views.ts'), program('page-views.ts').replace('> 100', '> 10'))
    await expect(test()).rejects.toThrow()
  })

  it('have a program that embeds it, and one that serves over HTTP what that has counted', async () => {
    const directory = await userFolder()
    const tsx = join(ROOT, 'node_modules/.bin/tsx')
    const embedded = await run(tsx, ['embed.ts'], { cwd: directory })
    expect(embedded.stdout.trim()).toBe('/a { views: 1, ms: 250 }')
    const served = await run(tsx, ['serve.ts'], { cwd: directory })
    expect(served.stdout.trim()).toBe('200 { views: 1, ms: 250 }')
  })
})
