import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { allScenarios } from '../kafka/cluster/scenarios/all-scenarios.ts'
import { soakFaults } from './soak/soak-faults.ts'

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
  it('gathers on the embedded broker and on Kafka', () => {
    const { status, stdout } = chaos('--gather', '--list')
    expect(stdout.split('\n').map(line => line.split(':')[0])).toEqual(['embedded', 'kafka', ''])
    expect(status).toBe(0)
  })

  it.each([
    { mode: 'cluster', parts: allScenarios },
    { mode: 'all', parts: soakFaults },
  ])('lists what --$mode consists of: each part once, with its fault', ({ mode, parts }) => {
    const { status, stdout } = chaos(`--${mode}`, '--list')
    expect(stdout.split('\n')).toEqual([...parts.map(({ name, about }) => `${name}: ${about}`), ''])
    expect(new Set(parts.map(({ name }) => name)).size).toBe(parts.length)
    expect(status).toBe(0)
  })

  it('draws a stall from its seed alone, so that one can be repeated without those before it', () => {
    const listed = (seed: number, count: number, ...args: string[]) =>
      chaos('--stalls', '--list', '--seed', `${seed}`, '--count', `${count}`, ...args)
        .stdout.trim()
        .split('\n')
    const all = listed(100, 60)
    expect(all).toHaveLength(60)
    expect(listed(157, 1)).toEqual([all[57]])
    expect(listed(100, 60, '--defaults')).not.toEqual(all)
    const text = all.join('\n')
    for (const part of [
      'event loop of a',
      'process of',
      'the one broker',
      'of three',
      '(5 ×',
      'offsets-sent',
    ])
      expect(text).toContain(part)
  })

  it('draws 200 stalls, or 20 at the defaults', () => {
    const count = (...args: string[]) =>
      chaos('--stalls', '--list', ...args)
        .stdout.trim()
        .split('\n').length
    expect([count(), count('--defaults')]).toEqual([200, 20])
  })

  it.each([
    { args: [], says: 'choose one of --cluster' },
    { args: ['--cluster', '--only', 'nothing'], says: '"nothing" is none of: leader-killed, ' },
    { args: ['--floods'], says: "unknown option '--floods'" },
    { args: ['--cluster', '--seed', '1'], says: '--seed means nothing to --cluster' },
    { args: ['--stalls', '--minutes', '1'], says: '--minutes means nothing to --stalls' },
    { args: ['--stalls', '--count', 'x'], says: 'It must be a whole number' },
    { args: ['--all', '--minutes', '0'], says: 'It must be more than 0' },
  ])('refuses $args, before anything starts', ({ args, says }) => {
    const { status, stdout, stderr } = chaos(...args)
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
    expect(stderr).toContain(says)
  })
})
