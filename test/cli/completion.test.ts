import { execFile, execFileSync } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { directoryWith, runCli } from './cli-process.ts'

const SHELLS = ['bash', 'zsh', 'fish'] as const
type Shell = (typeof SHELLS)[number]

function isInstalled(shell: Shell): boolean {
  try {
    execFileSync(shell, ['-c', 'exit 0'])
    return true
  } catch {
    return false
  }
}

const scripts = new Map<Shell, string>()

/** Written once a test file: it is the same each time. */
async function scriptFor(shell: Shell): Promise<string> {
  const known = scripts.get(shell)
  if (known !== undefined) return known
  const end = await runCli(['completion', shell], { directory: await directoryWith({}) })
  expect(end).toMatchObject({ code: 0, stderr: '' })
  scripts.set(shell, end.stdout)
  return end.stdout
}

/** The shell's own answer to these words, the last of which is being typed. */
async function completed(shell: Shell, words: readonly string[]): Promise<string[]> {
  const script = await scriptFor(shell)
  const quoted = words.map(word => `'${word}'`).join(' ')
  const asked = {
    bash: `COMP_WORDS=(millrace ${quoted}); COMP_CWORD=${words.length}; _millrace; printf '%s\\n' "\${COMPREPLY[@]}"`,
    // The line editor's part, which there is none of here: what it is given, and what it takes of it.
    zsh: `words=(millrace ${quoted}); CURRENT=${words.length + 1}; _millrace`,
    fish: `complete -C 'millrace ${words.join(' ')}'`,
  }[shell]
  const before =
    shell === 'zsh'
      ? 'compdef() { : }; _files() { : }; compadd() { shift; print -l -- ${(M)@:#$current*} }\n'
      : ''
  const { stdout } = await promisify(execFile)(shell, ['-c', `${before}${script}\n${asked}`], {
    cwd: await directoryWith({}),
  })
  const lines = stdout.split('\n').filter(line => line !== '')
  return lines.map(line => line.split('\t')[0]!).sort()
}

const COMMANDS = [
  'completion',
  'config',
  'consume',
  'control',
  'describe',
  'dev',
  'dlq',
  'help',
  'init',
  'produce',
  'reset',
  'run',
  'schedules',
  'topics',
]

describe.each(SHELLS)('completion in %s', shell => {
  it.skipIf(!isInstalled(shell)).each([
    [[''], COMMANDS],
    [['re'], ['reset']],
    [['de'], ['describe', 'dev']],
    [['dev', 'app.ts', '--print-f'], ['--print-format']],
    [
      ['topics', ''],
      ['create', 'delete', 'describe', 'help', 'list'],
    ],
    [
      ['topics', 'de'],
      ['delete', 'describe'],
    ],
    [['topics', 'create', 'orders', '--part'], ['--partitions']],
    [
      ['consume', 'orders', '--format', ''],
      ['json', 'table', 'text'],
    ],
    [
      ['consume', 'orders', '--fo'],
      ['--follow', '--format'],
    ],
    // A topic that is called like a command.
    [
      ['consume', 'run', '--fo'],
      ['--follow', '--format'],
    ],
    [['run', 'orders.ts', '--fetch', 'n'], ['native']],
    [
      ['init', 'app', '--template', ''],
      ['avro', 'minimal', 'service'],
    ],
    [
      ['completion', ''],
      ['bash', 'fish', 'zsh'],
    ],
    [['run', '--process-'], []],
  ])('%j', async (words, expected) => {
    expect(await completed(shell, words)).toEqual(expected)
  })
})

it('completion for another shell: exit code 2', async () => {
  const end = await runCli(['completion', 'cmd'], { directory: await directoryWith({}) })
  expect(end.stderr).toContain('Allowed choices are bash, zsh, fish')
  expect(end).toMatchObject({ code: 2, stdout: '' })
})
