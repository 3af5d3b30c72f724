import { spawn } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { missingForBroker } from '../kafka/broker-jars.ts'
import { eventually } from '../support/eventually.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const MAIN = fileURLToPath(new URL('../../bench/main.ts', import.meta.url))
const LIMIT_MS = 60_000

interface Run {
  readonly errors: () => string
  readonly ended: Promise<number | null>
  signal(name: NodeJS.Signals): void
}

function bench(args: readonly string[], environment: NodeJS.ProcessEnv = {}): Run {
  const child = spawn(process.execPath, ['--import', 'tsx', MAIN, ...args], {
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
  ])('%j ends with exit code 2 and says what is wrong', { timeout: LIMIT_MS }, async (args, word) => {
    const run = bench(args)
    expect(await run.ended).toBe(2)
    expect(run.errors()).toContain(word)
  })

  it('without Java it says what to install, exit code 2', { timeout: LIMIT_MS }, async () => {
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

describe.skipIf(await missingForBroker())('a run that is stopped', () => {
  it('ends its broker and removes its files on SIGTERM', { timeout: 3 * LIMIT_MS }, async () => {
    const parent = await temporaryDirectory()
    const run = bench(['cost', '--what', 'keys', '--records', '100000000'], { TMPDIR: parent })
    await eventually(() => run.errors().includes('loading'), { limitMs: 2 * LIMIT_MS, what: 'a load' })
    const own = async () => (await readdir(parent)).filter(name => name.startsWith('millrace-'))
    const [directory] = await own()
    const properties = await readFile(join(parent, directory!, 'kafka/server.properties'), 'utf8')
    const port = Number(/^listeners=PLAINTEXT:\/\/127\.0\.0\.1:(\d+)/m.exec(properties)?.[1])
    expect(await accepts(port)).toBe(true)
    run.signal('SIGTERM')
    expect(await run.ended).toBe(143)
    expect(await own()).toEqual([])
    expect(await accepts(port)).toBe(false)
  })
})
