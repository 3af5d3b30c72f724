import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { constants, setPriority, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { errorFrom } from '../../common/errors/errors.ts'

interface Compiler {
  /** A JavaScript file. */
  readonly path: string
  readonly project: string
}

/** What a check has found; undefined where it was broken off. */
export interface TypeErrors {
  readonly count: number
  readonly text: string
}

const ENDED = undefined

/**
 * Checks the types of a project by its own TypeScript, in a process of its own that gives way to others, one
 * check at a time: a new one breaks off the last. What it has learnt of unchanged files it keeps in a
 * temporary folder.
 */
export class TypeCheck {
  readonly #compiler: Compiler
  readonly #memory: string
  readonly #isPretty: boolean
  #isClosed = false
  #running: { readonly child: ChildProcess; readonly ended: Promise<unknown> } | undefined

  private constructor(compiler: Compiler, memory: string, isPretty: boolean) {
    this.#compiler = compiler
    this.#memory = memory
    this.#isPretty = isPretty
  }

  /** For the project that this file belongs to; else a text that says why its types cannot be checked. */
  static async open(file: string, { isPretty }: { readonly isPretty: boolean }): Promise<TypeCheck | string> {
    const compiler = await findCompiler(file)
    if (typeof compiler === 'string') return compiler
    return new TypeCheck(compiler, await mkdtemp(join(tmpdir(), 'millrace-types-')), isPretty)
  }

  async run(): Promise<TypeErrors | undefined> {
    await this.#breakOff()
    if (this.#isClosed) return ENDED
    const { path, project } = this.#compiler
    const memory = join(this.#memory, 'types.tsbuildinfo')
    const child = spawn(
      process.execPath,
      [path, '-p', project, '--noEmit', '--incremental', '--tsBuildInfoFile', memory].concat([
        '--pretty',
        String(this.#isPretty),
      ]),
      { stdio: ['ignore', 'pipe', 'pipe'], cwd: dirname(project) },
    )
    let text = ''
    for (const output of [child.stdout, child.stderr]) {
      output.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
    }
    const ended = once(child, 'close').catch((reason: unknown) => [1, errorFrom(reason).message])
    this.#running = { child, ended }
    giveWay(child)
    const [code, failure] = (await ended) as [number | null, string | null]
    if (code === null) return ENDED
    const shown = text === '' && code !== 0 ? `tsc ended with ${failure ?? code}` : text
    return { count: code === 0 ? 0 : Math.max(1, shown.match(/error TS\d+/g)?.length ?? 0), text: shown }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#breakOff()
    await rm(this.#memory, { recursive: true, force: true })
  }

  async #breakOff(): Promise<void> {
    const running = this.#running
    this.#running = undefined
    running?.child.kill('SIGKILL')
    await running?.ended
  }
}

function giveWay({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) setPriority(pid, constants.priority.PRIORITY_BELOW_NORMAL)
  } catch {
    // It has ended already, or the system does not allow it; then it runs as others do.
  }
}

async function findCompiler(file: string): Promise<Compiler | string> {
  const project = await nearestProject(dirname(file))
  if (project === undefined) return 'there is no tsconfig.json'
  try {
    const manifest = createRequire(file).resolve('typescript/package.json')
    const { bin } = createRequire(file)(manifest) as { readonly bin: { readonly tsc: string } }
    return { path: join(dirname(manifest), bin.tsc), project }
  } catch {
    return 'typescript is not installed in the project (npm install --save-dev typescript)'
  }
}

async function nearestProject(folder: string): Promise<string | undefined> {
  const path = join(folder, 'tsconfig.json')
  if (await stat(path).catch(() => undefined)) return path
  return dirname(folder) === folder ? undefined : nearestProject(dirname(folder))
}
