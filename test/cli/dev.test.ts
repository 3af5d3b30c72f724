import { execFileSync } from 'node:child_process'
import { chmod, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { CliProcess, directoryWith, runCli } from './cli-process.ts'
import { newProject } from './new-project.ts'

/** Counts lines by their text; says who it is when it is loaded. */
function counting(version: number, more = ''): string {
  return `import { serdes, StreamsBuilder } from 'millrace'
console.log('version ${version} pid ' + process.pid, process.argv.includes('--input'))
const text = { keySerde: serdes.string(), valueSerde: serdes.string() }
const builder = new StreamsBuilder()
builder.stream('in', text).groupBy(line => line, text).count({ storeName: 'counts' }).toStream()
  .to('out', { keySerde: serdes.string(), valueSerde: serdes.int64() })
export default builder.build()
export const config = { commitIntervalMs: 20 }
${more}
`
}

const SILENT_SERVICE = 'export const service = async () => ({ async [Symbol.asyncDispose]() {} })'
const HANGING_SERVICE =
  'export const service = async () => ({ [Symbol.asyncDispose]: () => new Promise(() => undefined) })'

async function developing(files: { readonly [name: string]: string }, ...args: string[]) {
  const directory = await directoryWith({ 'package.json': '{}', ...files })
  const dev = await CliProcess.start(['dev', 'app.ts', ...args], { directory })
  return { dev, directory, edit: (text: string) => writeFile(join(directory, 'app.ts'), text) }
}

function pidOf(dev: CliProcess, version: number): number {
  return Number(new RegExp(`version ${version} pid (\\d+)`).exec(dev.stdout)?.[1])
}

async function running(dev: CliProcess, version: number): Promise<void> {
  await dev.printed(`version ${version} pid`)
  const times = dev.stdout.match(/version \d+ pid/g)!.length
  await eventually(() => (dev.stderr.match(/is running/g)?.length ?? 0) >= times, {
    what: `version ${version}`,
  })
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

describe('millrace dev', () => {
  it('starts again when the file changes, with its state kept and its input written once', async () => {
    const args = ['--input', 'in=lines.txt', '--print', 'out']
    const { dev, directory, edit } = await developing(
      { 'app.ts': counting(1), 'lines.txt': 'a\na\n' },
      ...args,
    )
    await eventually(() => /^\S+Z  \d  +a +2$/m.test(dev.stdout), { what: 'the first counts' })
    expect(dev.stdout).toMatch(/^TIME +PARTITION  KEY +VALUE$/m)
    await edit(counting(2))
    await running(dev, 2)
    expect(isAlive(pidOf(dev, 1))).toBe(false)
    expect(dev.stdout).toMatch(/^version 1 pid \d+ true$/m)
    expect(dev.stdout).toMatch(/^version 2 pid \d+ false$/m)
    expect(await dev.stop('SIGINT')).toMatchObject({ code: 0 })
    const again = await runCli(
      ['run', 'app.ts', '--input', 'in=lines.txt', '--print', 'out', '--exit-when-idle'],
      { directory },
    )
    expect(again.stdout).toMatch(/^a\t4$/m)
  })

  it('a file that does not load is told, and the next change waited for', async () => {
    const { dev, edit } = await developing({ 'app.ts': counting(1) })
    await running(dev, 1)
    await edit('const x = ;')
    await dev.logged('TOPOLOGY_FILE_BROKEN')
    await dev.logged('app.ts has ended with 1; it is started again when a file changes')
    await edit(counting(2))
    await running(dev, 2)
    expect(await dev.stop()).toMatchObject({ code: 0 })
  })

  it('one that does not load at first, likewise', async () => {
    const { dev, edit } = await developing({ 'app.ts': 'export default 7' })
    await dev.logged('TOPOLOGY_FILE_INVALID')
    await edit(counting(1))
    await running(dev, 1)
    expect(await dev.stop()).toMatchObject({ code: 0 })
  })

  it('a file that an editor replaces, again and again, and one that it imports', async () => {
    const app = counting(1)
      .replace("'version 1", "'version ' + version + '")
      .replace('import', `import { version } from './deep/version.ts'\nimport`)
    const { dev, directory } = await developing({
      'app.ts': app,
      'deep/version.ts': 'export const version = 1',
    })
    await running(dev, 1)
    for (const version of [2, 3]) {
      await writeFile(join(directory, 'deep/version.ts~'), `export const version = ${version}`)
      await rename(join(directory, 'deep/version.ts~'), join(directory, 'deep/version.ts'))
      await running(dev, version)
    }
    expect(await dev.stop()).toMatchObject({ code: 0 })
  })

  it('a change in the middle of a restart counts', async () => {
    const { dev, edit } = await developing({ 'app.ts': counting(1) })
    await running(dev, 1)
    // It hangs while it is loaded.
    await edit(
      counting(2).replace('const text', 'await new Promise(done => setTimeout(done, 1e8))\nconst text'),
    )
    await dev.printed('version 2 pid')
    await edit(counting(3))
    await dev.printed('version 3 pid')
    await eventually(() => (dev.stderr.match(/is running/g) ?? []).length === 2)
    expect(isAlive(pidOf(dev, 2))).toBe(false)
    expect(await dev.stop()).toMatchObject({ code: 0 })
  })

  it('a program that does not end is killed, and the next one runs', async () => {
    const { dev, edit } = await developing({ 'app.ts': counting(1, HANGING_SERVICE) })
    await running(dev, 1)
    await edit(counting(2))
    await dev.logged('app.ts has not ended within 5000 ms and is killed')
    await running(dev, 2)
    expect(isAlive(pidOf(dev, 1))).toBe(false)
    expect(await dev.stop()).toMatchObject({ code: 0 })
  })

  it.each(['SIGINT', 'SIGTERM'] as const)(
    '%s ends every process, a type check under way, too',
    async signal => {
      const project = await newProject()
      const file = join(project, 'src/app.ts')
      await writeFile(file, `${await readFile(file, 'utf8')}\nconsole.log('version 1 pid ' + process.pid)\n`)
      const dev = await CliProcess.start(['dev', 'src/app.ts'], { directory: project })
      await eventually(() => childrenOf(dev.child.pid!).length === 2, { what: 'the program and tsc' })
      const children = childrenOf(dev.child.pid!)
      await running(dev, 1)
      await dev.stop(signal)
      expect(children.filter(isAlive)).toEqual([])
    },
  )

  it('killed, it takes the program with it', async () => {
    const { dev } = await developing({ 'app.ts': counting(1) })
    await running(dev, 1)
    await dev.stop('SIGKILL')
    await eventually(() => !isAlive(pidOf(dev, 1)), { what: 'the end of the program' })
  })

  it('a file that is not there: exit code 1', async () => {
    const end = await runCli(['dev', 'none.ts'], { directory: await directoryWith({}) })
    expect(end.stderr).toContain('TOPOLOGY_FILE_MISSING')
    expect(end.code).toBe(1)
  })

  it('shows what runs on a page that stays, and opens it', async () => {
    const open = '#!/bin/sh\necho "$1" > opened\n'
    const directory = await directoryWith({
      'app.ts': counting(1, SILENT_SERVICE),
      'bin/xdg-open': open,
      'package.json': '{}',
    })
    await chmod(join(directory, 'bin/xdg-open'), 0o755)
    const env = { PATH: `${join(directory, 'bin')}:${process.env['PATH']}` }
    const dev = await CliProcess.start(['dev', 'app.ts', '--open'], { directory, env })
    await running(dev, 1)
    const url = /what runs is shown on (\S+)/.exec(dev.stderr)![1]!
    const states = async () => {
      const answer = (await (await fetch(`${url}/healthz`)).json()) as { applications: { state: string }[] }
      return answer.applications.map(({ state }) => state)
    }
    await eventually(async () => expect(await states()).toEqual(['running']))
    await writeFile(join(directory, 'app.ts'), 'no')
    await eventually(async () => expect(await states()).toEqual(['error']))
    await writeFile(join(directory, 'app.ts'), counting(2))
    await eventually(async () => expect(await states()).toEqual(['running']))
    expect(await (await fetch(url)).text()).toContain('started again whenever')
    await eventually(async () => expect(await readFile(join(directory, 'opened'), 'utf8')).toBe(`${url}\n`))
    expect(await dev.stop()).toMatchObject({ code: 0 })
  })
})

describe('millrace dev: types', () => {
  it('an error is told before the restart, and when it is gone', async () => {
    const project = await newProject()
    const file = join(project, 'src/app.ts')
    const right = await readFile(file, 'utf8')
    const dev = await CliProcess.start(['dev', 'src/app.ts'], { directory: project })
    await dev.logged('is running')
    await writeFile(file, `${right}\nexport const wrong: number = 'text'\n`)
    await dev.logged('warn  a type error; it runs all the same')
    expect(dev.stderr).toMatch(/src\/app\.ts\(\d+,\d+\): error TS2322/)
    await eventually(() => dev.stderr.match(/is running/g)?.length === 2)
    await writeFile(file, right)
    await dev.logged('no type errors any more')
    expect(await dev.stop()).toMatchObject({ code: 0 })
  })

  /** A compiler of this text in place of the project's own. */
  const compiler = (text: string) => ({
    'tsconfig.json': '{}',
    'node_modules/typescript/package.json': '{ "bin": { "tsc": "tsc.cjs" } }',
    'node_modules/typescript/tsc.cjs': text,
  })

  it('a check that takes longer than the program is waited for', async () => {
    const slow = `setTimeout(() => { console.log('app.ts(1,1): error TS1: slow'); process.exitCode = 1 }, 1_500)`
    const { dev, edit } = await developing({ 'app.ts': counting(1), ...compiler(slow) })
    await dev.logged('error TS1: slow')
    await edit(counting(2))
    await running(dev, 2)
    expect(dev.stderr.lastIndexOf('error TS1: slow')).toBeGreaterThan(dev.stderr.indexOf('changed: app.ts'))
    expect(await dev.stop()).toMatchObject({ code: 0 })
  })

  it('one that does not end is not, and ends with the rest', async () => {
    const endless = `require('fs').appendFileSync('pids', process.pid + ' '); setInterval(() => {}, 1e8)`
    const { dev, directory, edit } = await developing({ 'app.ts': counting(1), ...compiler(endless) })
    await running(dev, 1)
    await edit(counting(2))
    await running(dev, 2)
    const pids = async () => (await readFile(join(directory, 'pids'), 'utf8')).trim().split(' ').map(Number)
    await eventually(async () => expect(await pids()).toHaveLength(2))
    expect(await dev.stop()).toMatchObject({ code: 0 })
    expect((await pids()).filter(isAlive)).toEqual([])
  })

  it.each([
    [
      'typescript is not installed in the project (npm install --save-dev typescript)',
      async (project: string) => rm(join(project, 'node_modules/typescript')),
    ],
    ['there is no tsconfig.json', async (project: string) => rm(join(project, 'tsconfig.json'))],
  ])('%s: told once', async (reason, remove) => {
    const project = await newProject()
    await remove(project)
    const dev = await CliProcess.start(['dev', 'src/app.ts'], { directory: project })
    await dev.logged('is running')
    const file = join(project, 'src/app.ts')
    await writeFile(file, `${await readFile(file, 'utf8')}\n`)
    await eventually(() => dev.stderr.match(/is running/g)?.length === 2)
    expect(dev.stderr.split(`types are not checked: ${reason}`)).toHaveLength(2)
    expect(await dev.stop()).toMatchObject({ code: 0 })
  })
})

function childrenOf(pid: number): number[] {
  const rows = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n')
  return rows.flatMap(row => {
    const [child, parent] = row.trim().split(/\s+/).map(Number)
    return parent === pid ? [child!] : []
  })
}
