import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { onTestFinished } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { builtCli } from './built-cli.ts'
import type { CliOptions } from './cli-process.ts'

/** That of util-linux runs a program on a terminal of its own; others have other options. */
export const hasTerminals = /util-linux/.test(String(spawnSync('script', ['--version']).stdout))

/** The program on a terminal, whose keys are typed and whose screen is read here. */
export class TerminalProcess {
  readonly child: ChildProcess
  /** Standard output and standard error, with all that moves the cursor. */
  shown = ''
  readonly #ended: Promise<{ readonly code: number | string }>

  private constructor(child: ChildProcess) {
    this.child = child
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => (this.shown += chunk))
    this.#ended = once(child, 'close').then(([code, signal]) => ({
      code: (code ?? signal) as number | string,
    }))
  }

  static async start(args: readonly string[], { directory, env }: CliOptions): Promise<TerminalProcess> {
    const { NO_COLOR: _no, FORCE_COLOR: _force, ...inherited } = process.env
    for (const name of Object.keys(inherited)) if (name.startsWith('MILLRACE_')) delete inherited[name]
    const command = [process.execPath, await builtCli(), ...args].map(quoted).join(' ')
    // `exec`: the end of the shell that it starts is the program's own.
    const child = spawn('script', ['-qfec', `exec ${command}`, '/dev/null'], {
      cwd: directory,
      env: { ...inherited, TERM: 'xterm', PORT: '0', ...env },
    })
    onTestFinished(() => void child.kill('SIGKILL'))
    return new TerminalProcess(child)
  }

  get end(): Promise<{ readonly code: number | string }> {
    return this.#ended
  }

  type(keys: string): void {
    this.child.stdin?.write(keys)
  }

  async shows(text: string): Promise<void> {
    const what = `"${text}" on the terminal`
    await eventually(() => this.shown.includes(text), { what })
  }

  async answers(question: string, line: string): Promise<void> {
    await this.shows(question)
    this.type(`${line}\r`)
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
