import { spawn } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { needs } from '../support/needs.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const MAIN = fileURLToPath(new URL('../../bench/main.ts', import.meta.url))

interface Run {
  readonly errors: () => string
  readonly ended: Promise<number | null>
  signal(name: NodeJS.Signals): void
}

/** `before` is a program that runs the rest of its arguments. */
function bench(
  args: readonly string[],
  environment: NodeJS.ProcessEnv = {},
  before: readonly string[] = [],
): Run {
  const [program, ...words] = [...before, process.execPath, '--import', 'tsx', MAIN, ...args]
  const child = spawn(program!, words, {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  const ended = new Promise<number | null>(resolve => void child.once('close', resolve))
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await ended
  })
  return { errors: () => errors, ended, signal: name => void child.kill(name) }
}

describe('the command line of the comparison', () => {
  it.each([
    [['compare', '--only', 'counting'], 'count'],
    [['compare', '--rounds', '0'], 'above 0'],
    [['cost'], '--what'],
  ])('%j ends with exit code 2 and says what is wrong', async (args, word) => {
    const run = bench(args)
    expect(await run.ended).toBe(2)
    expect(run.errors()).toContain(word)
  })

  it('without Java it says what to install, exit code 2', async () => {
    const run = bench(['compare', '--small'], { PATH: await temporaryDirectory() })
    expect(await run.ended).toBe(2)
    expect(run.errors()).toMatch(/Java is missing: install .*17/)
  })
})

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  const answer = await new Promise<boolean>(resolve => {
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
  })
  socket.destroy()
  return answer
}

interface Started {
  readonly run: Run
  readonly port: number
  /** The run's own directories that are there now. */
  directories(): Promise<string[]>
}

/** A run that would go on for minutes, with its broker up. */
async function started(start: (environment: NodeJS.ProcessEnv) => Run): Promise<Started> {
  const parent = await temporaryDirectory()
  const run = start({ TMPDIR: parent })
  await eventually(() => run.errors().includes('loading'), { what: 'a load' })
  const directories = async () => (await readdir(parent)).filter(name => name.startsWith('millrace-'))
  const [directory] = await directories()
  const properties = await readFile(join(parent, directory!, 'kafka/server.properties'), 'utf8')
  const port = Number(/^listeners=PLAINTEXT:\/\/127\.0\.0\.1:(\d+)/m.exec(properties)?.[1])
  expect(await accepts(port)).toBe(true)
  return { run, port, directories }
}

const LONG = ['cost', '--what', 'keys', '--records', '100000000']

const { suite } = await needs('native client', 'JVM')

await suite('a run that is stopped', () => {
  it('ends its broker and removes its files on SIGTERM', async () => {
    const { run, port, directories } = await started(environment => bench(LONG, environment))
    run.signal('SIGTERM')
    expect(await run.ended).toBe(143)
    expect(await directories()).toEqual([])
    expect(await accepts(port)).toBe(false)
  })

  it('does so where npm’s shell takes the signal and leaves', async () => {
    const { run, port, directories } = await started(environment =>
      bench(LONG, { ...environment, npm_lifecycle_event: 'bench' }, ['sh', '-c', '"$@"; exit $?', 'sh']),
    )
    run.signal('SIGTERM')
    // The shell has gone at once; this waits for the last process that holds its output.
    await run.ended
    expect(await directories()).toEqual([])
    expect(await accepts(port)).toBe(false)
  })
})
