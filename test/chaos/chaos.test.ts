import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { allScenarios } from '../kafka/cluster/scenarios/all-scenarios.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  readonly scripts: { readonly [name: string]: string }
}

/** `npm run chaos -- …`, without npm. What its scenarios find, `test/kafka/cluster` tries. */
function chaos(...args: readonly string[]) {
  const [program, file] = scripts['chaos']!.split(' ')
  expect(program).toBe('tsx')
  const command = ['--import', 'tsx', join(ROOT, file!), ...args]
  const { status, stdout, stderr } = spawnSync(process.execPath, command, { encoding: 'utf8' })
  return { status, stdout, stderr }
}

describe('npm run chaos', () => {
  it('lists what a mode consists of: each scenario once, with its fault', () => {
    const { status, stdout } = chaos('--cluster', '--list')
    expect(stdout.split('\n')).toEqual([...allScenarios.map(({ name, about }) => `${name}: ${about}`), ''])
    expect(new Set(allScenarios.map(({ name }) => name)).size).toBe(allScenarios.length)
    expect(status).toBe(0)
  })

  it.each([
    { args: [], says: 'choose one of --cluster' },
    { args: ['--cluster', '--only', 'nothing'], says: '"nothing" is none of: leader-killed, ' },
    { args: ['--floods'], says: "unknown option '--floods'" },
  ])('refuses $args, before anything starts', ({ args, says }) => {
    const { status, stdout, stderr } = chaos(...args)
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
    expect(stderr).toContain(says)
  })
})
