import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { Questions } from '../../lib/cli/output/questions.ts'
import { writeProject } from '../../lib/cli/init/write-project.ts'
import { eventually } from '../support/eventually.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { ROOT } from './built-cli.ts'
import { directoryWith, runCli } from './cli-process.ts'
import { newProject, runIn } from './new-project.ts'
import { hasTerminals, TerminalProcess } from './terminal-process.ts'

const EVERY = [
  '.dockerignore',
  '.gitignore',
  'Dockerfile',
  'README.md',
  'package.json',
  'src/app.ts',
  'test/app.test.ts',
  'test/kafka.test.ts',
  'test/run-on-kafka.ts',
  'tsconfig.json',
]

interface Manifest {
  readonly name: string
  readonly version: string
  readonly dependencies: { readonly [name: string]: string }
  readonly devDependencies: { readonly [name: string]: string }
}

async function manifestIn(directory: string): Promise<Manifest> {
  return JSON.parse(await readFile(join(directory, 'package.json'), 'utf8')) as Manifest
}

async function filesIn(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  return entries
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .filter(path => !path.startsWith('node_modules'))
    .sort()
}

describe.each(['minimal', 'service', 'avro'])('millrace init --template %s', template => {
  it('makes a project that compiles strictly and whose tests pass', async () => {
    const project = await newProject('--template', template, '--name', '@shop/orders')
    expect(await filesIn(project)).toEqual(expect.arrayContaining(EVERY))
    expect(await readFile(join(project, 'README.md'), 'utf8')).toMatch(/^# @shop\/orders\n/)
    expect(await readFile(join(project, 'src/app.ts'), 'utf8')).toContain("applicationId: 'shop-orders'")
    await runIn(project, 'typescript/bin/tsc')
    const report = await runIn(project, 'vitest/vitest.mjs', 'run', '--reporter=json')
    const { numFailedTests, numPassedTests, testResults } = JSON.parse(report) as {
      numFailedTests: number
      numPassedTests: number
      testResults: { name: string; assertionResults: { status: string; title: string }[] }[]
    }
    expect(numFailedTests).toBe(0)
    expect(numPassedTests).toBeGreaterThanOrEqual(1)
    const kafka = testResults.find(({ name }) => name.endsWith('kafka.test.ts'))
    expect(kafka?.assertionResults).toMatchObject([
      { status: 'skipped', title: expect.stringContaining('MILLRACE_BROKERS') as string },
    ])
  })

  it('depends on versions that this package is tested with', async () => {
    const project = await newProject('--template', template)
    const own = await manifestIn(ROOT)
    const { name, dependencies, devDependencies } = await manifestIn(project)
    expect(name).toBe('app')
    const { millrace, ...others } = dependencies
    expect(millrace).toBe(`^${own.version}`)
    expect({ ...own.dependencies, ...own.devDependencies }).toMatchObject({ ...others, ...devDependencies })
  })
})

describe('millrace init', () => {
  it('without a terminal: the defaults, and what to do next', async () => {
    const directory = await directoryWith({})
    const end = await runCli(['init', 'My App!'], { directory })
    expect(end).toMatchObject({ code: 0, stderr: '' })
    expect(end.stdout).toContain('my-app is made in My App! (minimal)\n')
    expect(end.stdout).toMatch(/Next:\n {2}cd My App!\n {2}npm install\n {2}npm test\n {2}npm run dev\n$/)
    expect(await readdir(directory)).toEqual(['My App!'])
  })

  it('names the package manager that runs it', async () => {
    const env = { npm_config_user_agent: 'pnpm/9.1.0 npm/? node/v20' }
    const end = await runCli(['init', 'app'], { directory: await directoryWith({}), env })
    expect(end.stdout).toContain('  pnpm install\n  pnpm test\n')
  })

  it('a tarball to depend on is found from the new directory', async () => {
    const directory = await directoryWith({})
    await runCli(['init', 'deep/app', '--millrace', 'file:millrace-1.tgz'], { directory })
    const { dependencies } = await manifestIn(join(directory, 'deep/app'))
    expect(dependencies['millrace']).toBe(`file:${join(directory, 'millrace-1.tgz')}`)
  })

  it('in this directory, when it is empty but for its repository', async () => {
    const directory = await directoryWith({ '.git/HEAD': 'ref' })
    const end = await runCli(['init', '.', '--name', 'here'], { directory })
    expect(end).toMatchObject({ code: 0, stderr: '' })
    expect(end.stdout).not.toContain('cd ')
    expect(await filesIn(directory)).toEqual(expect.arrayContaining(['.git/HEAD', ...EVERY]))
  })

  it('a directory that holds files is refused, and left as it is', async () => {
    const directory = await directoryWith({ 'app/notes.txt': 'mine' })
    const end = await runCli(['init', 'app'], { directory })
    expect(end.stderr).toMatch(/DIRECTORY_NOT_EMPTY: .*app holds files \(notes\.txt\): .*--force/)
    expect(end).toMatchObject({ code: 2, stdout: '' })
    expect(await filesIn(directory)).toEqual(['app/notes.txt'])
  })

  it('--force replaces files of the same names, and leaves the others', async () => {
    const directory = await directoryWith({ 'app/notes.txt': 'mine', 'app/README.md': 'old' })
    expect(await runCli(['init', 'app', '--force'], { directory })).toMatchObject({ code: 0, stderr: '' })
    expect(await readFile(join(directory, 'app/notes.txt'), 'utf8')).toBe('mine')
    expect(await readFile(join(directory, 'app/README.md'), 'utf8')).toMatch(/^# app\n/)
    expect(await readdir(directory)).toEqual(['app'])
  })

  it.each([
    [['app', '--name', 'Bad Name'], 'INVALID_NAME: --name Bad Name: A name has small letters'],
    [['app', '--template', 'large'], 'Allowed choices are minimal, service, avro'],
    [['taken'], 'NOT_A_DIRECTORY'],
    [[], 'DIRECTORY_MISSING'],
    [['--yes'], 'DIRECTORY_MISSING'],
  ])('%j: exit code 2, and nothing is written', async (args, message) => {
    const directory = await directoryWith({ taken: '' })
    const end = await runCli(['init', ...args], { directory })
    expect(end.stderr).toContain(message)
    expect(end.code).toBe(2)
    expect(await readdir(directory)).toEqual(['taken'])
  })

  it('--install: where that fails the project stays, and the exit code is 1', async () => {
    const directory = await directoryWith({
      'bin/npm': '#!/bin/sh\necho "npm $* in $(basename $PWD)"\nexit 7\n',
    })
    await chmod(join(directory, 'bin/npm'), 0o755)
    const env = { PATH: `${join(directory, 'bin')}:${process.env['PATH']}` }
    const end = await runCli(['init', 'app', '--install'], { directory, env })
    expect(end.stdout).toContain('npm install in app\n')
    expect(end.stderr).toContain('INSTALL_FAILED: npm install in')
    expect(end.stderr).toContain('ended with exit code 7')
    expect(end.code).toBe(1)
    expect(await filesIn(join(directory, 'app'))).toEqual(expect.arrayContaining(EVERY))
  })
})

describe('a project that cannot be written', () => {
  const files = new Map([
    ['README.md', 'new'],
    ['src/app.ts', 'new'],
    ['src/deep/more.ts', 'new'],
  ])

  it('leaves no directory behind', async () => {
    const parent = await temporaryDirectory()
    const bad = new Map([...files, ['README.md/under', 'a file is in the way']])
    await expect(writeProject(join(parent, 'a/b/app'), bad)).rejects.toMatchObject({
      code: 'PROJECT_NOT_WRITTEN',
    })
    expect(await readdir(parent)).toEqual([])
  })

  it('puts back what it has replaced', async () => {
    const parent = await temporaryDirectory()
    const directory = join(parent, 'app')
    await mkdir(join(directory, 'src'), { recursive: true })
    await writeFile(join(directory, 'README.md'), 'old')
    await writeFile(join(directory, 'src/deep'), 'a file where a directory must be')
    await expect(writeProject(directory, files)).rejects.toMatchObject({
      code: 'PROJECT_NOT_WRITTEN',
      message: expect.stringContaining(`${directory} is left as it was`) as string,
    })
    expect(await filesIn(parent)).toEqual(['app/README.md', 'app/src/deep'])
    expect(await readFile(join(directory, 'README.md'), 'utf8')).toBe('old')
  })
})

describe('questions', () => {
  function asked() {
    const input = new PassThrough()
    const output = new PassThrough()
    const shown = () => String(output.read() ?? '')
    return { input, output, shown, questions: new Questions({ input, output }) }
  }
  const choices = [
    { name: 'minimal', description: 'a' },
    { name: 'service', description: 'b' },
  ] as const

  it.each([
    ['', 'minimal'],
    ['2', 'service'],
    ['service', 'service'],
    ['9\nlarge\n2', 'service'],
  ])('a choice answered with %j is %s', async (answer, expected) => {
    const { input, questions } = asked()
    const answers = answer.split('\n')
    const choice = questions.choice('Template', [...choices])
    for (const line of answers) {
      input.write(`${line}\n`)
      await new Promise(resolve => setImmediate(resolve))
    }
    expect(await choice).toBe(expected)
    questions[Symbol.dispose]()
  })

  it('are asked again until the answer can be', async () => {
    const { input, shown, questions } = asked()
    const name = questions.text('Name', {
      byDefault: 'x',
      problem: text => (text === 'x' ? undefined : 'Not so.'),
    })
    input.write('y\n')
    await eventually(() => shown().includes('Not so.'))
    input.write('\n')
    expect(await name).toBe('x')
  })

  it('that end in the middle reject', async () => {
    const { input, questions } = asked()
    const answer = questions.yes('Install?')
    input.end()
    await expect(answer).rejects.toMatchObject({ code: 'CANCELLED' })
  })
})

describe.skipIf(!hasTerminals)('on a terminal', () => {
  it('asks what is not named', async () => {
    const directory = await directoryWith({})
    const terminal = await TerminalProcess.start(['init', 'app', '--no-install'], { directory })
    await terminal.answers('Name of the package (app): ', 'orders')
    await terminal.answers('Number or name (minimal): ', '3')
    expect(await terminal.end).toMatchObject({ code: 0 })
    expect(terminal.shown).toContain('orders is made in app (avro)')
    expect((await manifestIn(join(directory, 'app'))).name).toBe('orders')
  })

  it('asks nothing with --yes', async () => {
    const directory = await directoryWith({})
    const terminal = await TerminalProcess.start(['init', 'app', '--yes'], { directory })
    expect(await terminal.end).toMatchObject({ code: 0 })
    expect(terminal.shown).toContain('app is made in app (minimal)')
    expect(terminal.shown).not.toContain('(app):')
  })

  it('Ctrl-C in the middle leaves nothing', async () => {
    const directory = await directoryWith({})
    const terminal = await TerminalProcess.start(['init', 'app'], { directory })
    await terminal.shows('Name of the package (app): ')
    terminal.type('\u0003')
    expect(await terminal.end).toMatchObject({ code: 1 })
    expect(terminal.shown).toContain('CANCELLED')
    expect(await readdir(directory)).toEqual([])
  })
})
