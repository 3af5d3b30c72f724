import { describe, expect, it } from 'vitest'
import { hasColours } from '../../lib/cli/output/colours.ts'
import { directoryWith, runCli } from './cli-process.ts'
import { hasTerminals, TerminalProcess } from './terminal-process.ts'

const ESCAPE = '\u001b['
const TERMINAL = { isTTY: true }

describe('colours', () => {
  it.each([
    [TERMINAL, {}, true],
    [TERMINAL, { NO_COLOR: '1' }, false],
    [TERMINAL, { NO_COLOR: '' }, true],
    [TERMINAL, { TERM: 'dumb' }, false],
    [TERMINAL, { FORCE_COLOR: '0' }, false],
    [{}, {}, false],
    [{}, { FORCE_COLOR: '1' }, true],
    [{}, { FORCE_COLOR: '' }, true],
    [{}, { FORCE_COLOR: 'false' }, false],
    [{}, { FORCE_COLOR: '1', NO_COLOR: '1' }, true],
  ])('of %j with %j: %s', (stream, environment: NodeJS.ProcessEnv, expected) => {
    expect(hasColours(stream, environment)).toBe(expected)
  })

  it.each([
    [['config', 'app.ts'], 1],
    [['help'], 0],
    [['topics', 'list'], 2],
  ])('of %j: only where they are asked for, and nothing else changes', async (args, code) => {
    const directory = await directoryWith({})
    const plain = await runCli(args, { directory, env: { FORCE_COLOR: '0' } })
    const coloured = await runCli(args, { directory, env: { FORCE_COLOR: '1' } })
    expect(plain.code).toBe(code)
    expect(plain.stdout + plain.stderr).not.toContain(ESCAPE)
    expect(coloured.stdout + coloured.stderr).toContain(ESCAPE)
    const without = (text: string) => text.replace(/\u001b\[\d+m/g, '')
    expect({ ...coloured, stdout: without(coloured.stdout), stderr: without(coloured.stderr) }).toEqual(plain)
  })

  it.skipIf(!hasTerminals).each([
    [{}, true],
    [{ NO_COLOR: '1' }, false],
  ])('on a terminal with %j: %s', async (env: { [name: string]: string }, expected) => {
    const terminal = await TerminalProcess.start(['topics', 'list'], {
      directory: await directoryWith({}),
      env,
    })
    expect(await terminal.end).toMatchObject({ code: 2 })
    expect(terminal.shown.includes(ESCAPE)).toBe(expected)
  })
})
