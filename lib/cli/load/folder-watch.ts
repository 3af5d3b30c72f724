import { watch, type FSWatcher } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { extname, join, resolve, sep } from 'node:path'
import type { Clock } from '../../common/clock.ts'
import { errorFrom, StreamsError } from '../../common/errors/errors.ts'

/** Files whose change may change what a program does. */
const EXTENSIONS = new Set(
  ['.ts', '.mts', '.cts', '.tsx', '.js', '.mjs', '.cjs', '.jsx', '.json', '.avsc', '.proto'].concat([
    '.html',
    '.css',
    '.sql',
    '.yaml',
    '.yml',
    '.properties',
  ]),
)
/** What other programs write: packages, builds, and all that begins with a dot. */
const LEFT_OUT = new Set(['node_modules', 'dist', 'build', 'coverage'])
const FOLDERS_MAX = 5_000
/** An editor writes a file in several steps, a branch of a repository many files. */
const QUIET_MS = 60

export interface WatchOptions {
  readonly clock: Clock
  /** The program's file: its folder is watched even where it is named like a build. */
  readonly file: string
  /** Where state lies. */
  readonly ignored: readonly string[]
}

/**
 * Watches the source files below a folder: one watcher a folder, not a file, so that a file that an editor
 * replaces by another of its name goes on being watched; and none for the packages in it.
 */
export class FolderWatch {
  readonly #options: WatchOptions
  readonly #ignored: Set<string>
  readonly #watchers = new Map<string, FSWatcher>()
  /**
   * What files were when they were last looked at: a watcher tells of more than changes of their contents.
   */
  readonly #files = new Map<string, string>()
  #changed = new Set<string>()
  #tell: () => void = () => undefined
  #error: Error | undefined
  #isClosed = false

  private constructor(options: WatchOptions) {
    this.#options = options
    this.#ignored = new Set(options.ignored.map(path => resolve(path)))
  }

  /** Rejects with `WATCH_FAILED`. */
  static async open(folder: string, options: WatchOptions): Promise<FolderWatch> {
    const opened = new FolderWatch(options)
    await opened.#addFolder(resolve(folder), false)
    opened.#throwIfFailed()
    return opened
  }

  /** Something that is learnt to be no source. */
  ignore(folder: string): void {
    this.#ignored.add(resolve(folder))
  }

  /** The files that have changed since the last answer; waits for the first. Empty when the signal aborts. */
  async changes(signal: AbortSignal): Promise<readonly string[]> {
    while (this.#changed.size === 0 && !signal.aborted) {
      this.#throwIfFailed()
      await new Promise<void>(done => {
        this.#tell = done
        signal.addEventListener('abort', () => done(), { once: true })
      })
    }
    for (let before = 0; before < this.#changed.size && !signal.aborted;) {
      before = this.#changed.size
      await this.#options.clock.sleep(QUIET_MS, signal)
    }
    const changed = [...this.#changed]
    this.#changed = new Set()
    return changed
  }

  close(): void {
    this.#isClosed = true
    for (const watcher of this.#watchers.values()) watcher.close()
    this.#watchers.clear()
  }

  #throwIfFailed(): void {
    if (this.#error) throw this.#error
  }

  async #addFolder(folder: string, tells: boolean): Promise<void> {
    if (this.#isClosed || this.#watchers.has(folder) || this.#isLeftOut(folder)) return
    this.#watch(folder)
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
    for (const entry of entries) {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) await this.#addFolder(path, tells)
      else if (entry.isFile()) await this.#look(path, tells)
    }
  }

  #watch(folder: string): void {
    if (this.#watchers.size >= FOLDERS_MAX) {
      this.#fail(`there are more than ${FOLDERS_MAX} folders to watch; run it in the folder of one project`)
      return
    }
    try {
      const watcher = watch(folder, (_, name) => void (name !== null && this.#onEvent(join(folder, name))))
      // A folder that is removed.
      watcher.on('error', () => this.#removeFolder(folder))
      this.#watchers.set(folder, watcher)
    } catch (reason) {
      const { code, message } = errorFrom(reason) as NodeJS.ErrnoException
      const mend = code === 'ENOSPC' ? '; raise fs.inotify.max_user_watches' : ''
      // One that is gone before it could be watched.
      if (code !== 'ENOENT') this.#fail(`${message}${mend}`)
    }
  }

  #removeFolder(folder: string): void {
    this.#watchers.get(folder)?.close()
    this.#watchers.delete(folder)
  }

  async #onEvent(path: string): Promise<void> {
    const found = await stat(path).catch(() => undefined)
    if (this.#isClosed) return
    if (found?.isDirectory()) return this.#addFolder(path, true)
    if (!found && this.#watchers.has(path)) this.#removeFolder(path)
    await this.#look(path, true)
  }

  async #look(path: string, tells: boolean): Promise<void> {
    if (!EXTENSIONS.has(extname(path))) return
    const found = await stat(path).catch(() => undefined)
    const now = found ? `${found.ino} ${found.size} ${found.mtimeMs}` : ''
    const before = this.#files.get(path) ?? ''
    this.#files.set(path, now)
    if (!tells || now === before) return
    this.#changed.add(path)
    this.#tell()
  }

  #isLeftOut(folder: string): boolean {
    if (this.#ignored.has(folder)) return true
    const isOnTheWay = resolve(this.#options.file).startsWith(folder + sep)
    const name = folder.slice(folder.lastIndexOf(sep) + 1)
    return !isOnTheWay && (LEFT_OUT.has(name) || name.startsWith('.'))
  }

  #fail(what: string): void {
    this.#error ??= new StreamsError('WATCH_FAILED', `files cannot be watched: ${what}`)
    this.#tell()
  }
}
