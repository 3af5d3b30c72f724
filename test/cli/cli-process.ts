import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { beforeAll, onTestFinished } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { builtCli } from './built-cli.ts'

// Building takes longer than a test may.
beforeAll(async () => void (await builtCli()))

export interface CliOptions {
  /** Where it runs; also what relative paths in the arguments mean. */
  readonly directory: string
  readonly env?: { readonly [name: string]: string }
  /** What it reads from standard input, which then ends. Without it, standard input is left open. */
  readonly input?: string
}

export interface CliEnd {
  /** The exit code, or the signal that killed it. */
  readonly code: number | string
  readonly stdout: string
  readonly stderr: string
}

/** The program in a process of its own, killed at the latest when the test ends. */
export class CliProcess {
  readonly child: ChildProcess
  stdout = ''
  stderr = ''
  readonly #ended: Promise<CliEnd>

  private constructor(child: ChildProcess) {
    this.child = child
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => (this.stdout += chunk))
    child.stderr?.setEncoding('utf8').on('data', (chunk: string) => (this.stderr += chunk))
    this.#ended = once(child, 'close').then(([code, signal]) => ({
      code: (code ?? signal) as number | string,
      stdout: this.stdout,
      stderr: this.stderr,
    }))
  }

  static async start(args: readonly string[], options: CliOptions): Promise<CliProcess> {
    const { PORT: _port, HOST: _host, ...inherited } = process.env
    // A developer's own brokers are none of the tests'.
    for (const name of Object.keys(inherited)) if (name.startsWith('MILLRACE_')) delete inherited[name]
    const child = spawn(process.execPath, [await builtCli(), ...args], {
      cwd: options.directory,
      env: { ...inherited, PORT: '0', ...options.env },
    })
    onTestFinished(() => void child.kill('SIGKILL'))
    if (options.input !== undefined) child.stdin.end(options.input)
    return new CliProcess(child)
  }

  get end(): Promise<CliEnd> {
    return this.#ended
  }

  async logged(text: string): Promise<void> {
    await eventually(() => this.stderr.includes(text), { what: `"${text}" on standard error` })
  }

  async printed(text: string): Promise<void> {
    await eventually(() => this.stdout.includes(text), { what: `"${text}" on standard output` })
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<CliEnd> {
    this.child.kill(signal)
    return this.#ended
  }
}

export async function runCli(args: readonly string[], options: CliOptions): Promise<CliEnd> {
  return (await CliProcess.start(args, options)).end
}

/** A directory with these files in it. */
export async function directoryWith(files: { readonly [name: string]: string }): Promise<string> {
  const directory = await temporaryDirectory()
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(directory, name)), { recursive: true })
    await writeFile(join(directory, name), text)
  }
  return directory
}
