import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { text } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { temporaryDirectory } from './temporary-directory.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const VITEST = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs')
const OURS = /^(CI|KAFKA_BROKERS|CHROMIUM|VITEST.*|MILLRACE_.*)$/

/** Runs test files on a machine that has Node and nothing else. */
async function runOnBareMachine(files: readonly string[], environment: NodeJS.ProcessEnv = {}) {
  const inherited = Object.entries(process.env).filter(([name]) => !OURS.test(name))
  const child = spawn(process.execPath, [VITEST, 'run', ...files], {
    cwd: ROOT,
    env: { ...Object.fromEntries(inherited), PATH: await temporaryDirectory(), ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = new Promise<number | null>(resolve => void child.once('close', resolve))
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)])
  return { code: await ended, output: stdout + stderr, skipped: stderr.match(/^skipped: .*$/gm) ?? [] }
}

describe('suites that need what the machine has not', () => {
  test('are skipped, and named once with what is missing', async () => {
    const files = ['test/kafka/new-cluster.test.ts', 'test/topologies/views-page.test.ts']
    const { code, output, skipped } = await runOnBareMachine(files)
    expect(code, output).toBe(0)
    expect(skipped.length, output).toBe(2)
    expect(skipped[0]).toMatch(/: a new cluster.* \(test\/kafka\/new-cluster\.test\.ts\): .*Java is missing$/)
    expect(skipped[1]).toMatch(/: the pages of the views \(.*\): Chromium is missing$/)
    for (const advice of ['Java is missing: install a JRE', 'Chromium is missing: install it'])
      expect(output.split(advice).length, output).toBe(2)
  })

  test('fail where they are required, and say the same', async () => {
    const { code, output, skipped } = await runOnBareMachine(['test/kafka/new-cluster.test.ts'], {
      MILLRACE_REQUIRE_KAFKA: '1',
    })
    expect(code).toBe(1)
    expect(output).toContain('MILLRACE_REQUIRE_KAFKA is set, but: ')
    expect(skipped).toEqual([])
  })
})
