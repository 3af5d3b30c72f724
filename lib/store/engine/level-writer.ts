import { once } from 'node:events'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import { present } from '../../common/assert.ts'
import { errorFrom } from '../../common/errors/errors.ts'
import type { PackedRows } from './write-batch.ts'

/** A request to the writer's thread; `rows` undefined: the database is closed. */
export interface WriterRequest {
  readonly id: number
  readonly directory: string
  readonly options: object
  readonly rows: readonly PackedRows[] | undefined
}

export interface WriterAnswer {
  readonly id: number
  readonly error?: WriterError & { readonly cause: WriterError }
}

/**
 * An error of LevelDB, which loses its own properties on the way to another thread; `cause`: the first error
 * of its native part.
 */
interface WriterError {
  readonly message: string
  readonly code: string | undefined
}

interface Waiting {
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

/** Size of the thread's young generation: its garbage is small objects, which are gone at once. */
const YOUNG_MIB = 8

/**
 * Writes to LevelDB databases of this process on a thread of its own, one for all of them, which shares them
 * with whoever reads here (`multithreading`). It ends with the process.
 */
export class LevelWriter {
  readonly #newThread: () => Worker
  #ready: Promise<boolean> | undefined
  #thread: Worker | undefined
  readonly #databases = new Set<string>()
  readonly #waiting = new Map<number, Waiting>()
  #lastId = 0

  /** `start`: starts the thread; given in tests. */
  constructor(start: () => Worker = newThread) {
    this.#newThread = start
  }

  /**
   * Starts the thread where it does not run. False where none can be had, as in a program that was bundled
   * into one file: then there is a warning, and the caller has to write by itself.
   */
  ready(): Promise<boolean> {
    return (this.#ready ??= this.#start())
  }

  /**
   * Writes rows as one batch of LevelDB; only after `ready`. The memory of the rows is the thread's from then
   * on. One write a directory at a time.
   */
  async write(directory: string, options: object, rows: readonly PackedRows[]): Promise<void> {
    this.#databases.add(directory)
    await this.#ask({ directory, options, rows }, rows)
  }

  /** Closes the thread's handle of a database: only then it can be closed here. */
  async close(directory: string): Promise<void> {
    if (!this.#databases.delete(directory)) return
    await this.#ask({ directory, options: {}, rows: undefined }, [])
  }

  async #ask(request: Omit<WriterRequest, 'id'>, rows: readonly PackedRows[]): Promise<void> {
    const thread = present(this.#thread, 'thread that writes')
    const id = (this.#lastId += 1)
    const answered = new Promise<void>((resolve, reject) => this.#waiting.set(id, { resolve, reject }))
    // The process stays alive while something is to be written.
    thread.ref()
    thread.postMessage(
      { id, ...request } satisfies WriterRequest,
      rows.map(({ bytes }) => bytes.buffer as ArrayBuffer),
    )
    await answered
  }

  async #start(): Promise<boolean> {
    try {
      const thread = this.#newThread()
      // The thread's first message, or the error of its start, ends the wait.
      await once(thread, 'message')
      this.#thread = thread
      this.#listenTo(thread)
      return true
    } catch (error) {
      process.emitWarning(
        `state is written to disk without a thread of its own, which is slower: ${errorFrom(error).message}`,
        'MillraceWarning',
      )
      return false
    }
  }

  #listenTo(thread: Worker): void {
    thread.unref()
    thread.on('message', ({ id, error }: WriterAnswer) => {
      const { resolve, reject } = present(this.#waiting.get(id), 'write of an answer')
      this.#settled(id, thread)
      if (error) reject(errorOf(error, errorOf(error.cause)))
      else resolve()
    })
    thread.on('error', error => this.#failed(thread, error))
    thread.on('exit', () => this.#failed(thread, new Error('the thread that writes state to disk has ended')))
  }

  #settled(id: number, thread: Worker): void {
    this.#waiting.delete(id)
    if (this.#waiting.size === 0) thread.unref()
  }

  #failed(thread: Worker, error: Error): void {
    // An exit follows an error, and another thread may have started in between.
    if (this.#thread !== thread) return
    this.#thread = undefined
    this.#ready = undefined
    this.#databases.clear()
    const waiting = [...this.#waiting.values()]
    this.#waiting.clear()
    for (const { reject } of waiting) reject(error)
  }
}

function errorOf({ message, code }: WriterError, cause?: Error): Error {
  return Object.assign(new Error(message, { cause }), { code })
}

function newThread(): Worker {
  const options = { execArgv: [], resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MIB } }
  const { url } = import.meta
  // The built package loads its own file: this module is part of one in `dist/chunks`.
  if (!url.endsWith('.ts')) return new Worker(new URL('../store/engine/level-writer-thread.js', url), options)
  // The sources of this repository need a loader in Node; the program's own loaders do not reach its threads.
  const loaderHome = pathToFileURL(createRequire(url).resolve('tsx/package.json'))
  const loader = new URL('dist/esm/api/index.mjs', loaderHome).href
  const { href } = new URL('./level-writer-thread.ts', url)
  const start = `import('${loader}').then(({ register }) => { register(); return import('${href}') })`
  return new Worker(start, { ...options, eval: true })
}

/** The writer of this process. */
export const levelWriter = new LevelWriter()
