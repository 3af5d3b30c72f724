import { Level } from 'level'
import { resolve } from 'node:path'
import { EMPTY_BYTES } from '../../common/bytes.ts'
import { StreamsError, TaskCorruptedError } from '../../common/errors/errors.ts'
import { damageOf } from '../../common/level/check-database.ts'
import type { Engine, EngineLoad, EngineRange } from './engine.ts'
import { levelError, lockedError, openError } from './level-error.ts'
import { writeRows } from './level-rows.ts'
import { levelWriter } from './level-writer.ts'
import type { WriteBatch } from './write-batch.ts'

type Database = Level<Uint8Array, Uint8Array>

/** Methods that `level` has in Node and its types lack, which are those of the browser, too. */
interface Compactable {
  compactRange(from: Uint8Array, to: Uint8Array): Promise<void>
}

/**
 * Options of each database. A process has one for each task: LevelDB's defaults (a write buffer of 4 MiB,
 * twice, and a block cache of 8 MiB) add up. Rows that are read often are in the stores' own caches above.
 */
const OPTIONS = {
  keyEncoding: 'buffer',
  valueEncoding: 'buffer',
  cacheSize: 1024 * 1024,
  // Open tables are mapped, and count as resident: 2 MiB each.
  maxOpenFiles: 64,
} as const

/**
 * Each full buffer becomes a table, and four tables are merged with all others: the position that goes with
 * every batch makes the tables of a restore overlap, whatever the order of its keys. LevelDB has one thread
 * for all databases of a process to do that.
 */
const WRITE_BUFFER_BYTES: { readonly [load in EngineLoad]: number } = {
  steady: 1024 * 1024,
  // A larger buffer spares little, and a skip list too large for the processor's caches is slow to fill in
  // random order.
  bulk: 8 * 1024 * 1024,
}

/** A bound behind all keys: no key begins with it. */
const BEHIND_ALL_KEYS = Uint8Array.of(0xff)

/** Rows that one call fetches from the native iterator. */
const ROWS_PER_READ = 1000

/**
 * Rows from which on a batch is handed to LevelDB by another thread: a few are written sooner than it has
 * heard of them.
 */
const THREAD_ROWS_MIN = 200

/**
 * Directories that are open in this process: LevelDB does not lock databases that threads share against it.
 */
const opened = new Set<string>()

export interface LevelEngineOptions {
  /**
   * Whether another thread may write. With false, nothing else in this process can open the database,
   * whatever copy of this package it runs. Default: true.
   */
  readonly isShared?: boolean
  /** Called when the directory is closed and free again. */
  readonly onClosed?: () => void
}

/**
 * An engine over LevelDB in a directory of its own, which is made if it is missing. Throws
 * `STATE_DIRECTORY_LOCKED` where another process (or another engine of this one) has it open, and
 * `TaskCorruptedError` where the files cannot be read.
 */
export async function openLevelEngine(
  directory: string,
  { isShared = true, onClosed }: LevelEngineOptions = {},
): Promise<Engine> {
  const path = resolve(directory)
  if (opened.has(path)) throw lockedError(directory, undefined)
  opened.add(path)
  try {
    const damage = await damageOf(path).catch((error: unknown) => Promise.reject(openError(error, path)))
    if (damage !== undefined) throw await damagedError(path, damage)
    const database = await openDatabase(path, optionsOf('steady', isShared))
    return new LevelEngine(path, database, { isShared, onClosed })
  } catch (error) {
    opened.delete(path)
    throw error
  }
}

/**
 * Makes a table of the write buffer, as compacting does first. Rows that are in the log alone would be cut
 * into many small tables by the small buffer of the next opening.
 */
async function emptyWriteBuffer(database: Database): Promise<void> {
  await (database as unknown as Compactable).compactRange(BEHIND_ALL_KEYS, BEHIND_ALL_KEYS)
}

/**
 * The error of damaged files. Where another process writes to them meanwhile, they make no sense either: then
 * the directory is not damaged, but in use.
 */
async function damagedError(path: string, damage: string): Promise<Error> {
  const corrupted = new TaskCorruptedError(`the state in "${path}" is damaged: ${damage}`)
  try {
    await (await openDatabase(path, optionsOf('steady', false))).close()
    return corrupted
  } catch (error) {
    return error instanceof StreamsError && error.code === 'STATE_DIRECTORY_LOCKED' ? error : corrupted
  }
}

async function openDatabase(directory: string, options: object): Promise<Database> {
  const database: Database = new Level(directory, options)
  try {
    await database.open()
  } catch (error) {
    throw openError(error, directory)
  }
  return database
}

function optionsOf(load: EngineLoad, isShared: boolean): object {
  return { ...OPTIONS, writeBufferSize: WRITE_BUFFER_BYTES[load], multithreading: isShared }
}

class LevelEngine implements Engine {
  readonly persistent = true
  readonly #directory: string
  readonly #isShared: boolean
  readonly #onClosed: (() => void) | undefined
  #database: Database
  #load: EngineLoad = 'steady'
  /**
   * The end of the last batch, for which the next one waits: LevelDB runs batches on a thread pool, in no
   * particular order.
   */
  #tail: Promise<void> = Promise.resolve()

  constructor(
    directory: string,
    database: Database,
    options: { readonly isShared: boolean; readonly onClosed: (() => void) | undefined },
  ) {
    this.#directory = directory
    this.#database = database
    this.#isShared = options.isShared
    this.#onClosed = options.onClosed
  }

  get(key: Uint8Array): Uint8Array | undefined {
    try {
      return this.#database.getSync(key)
    } catch (error) {
      throw levelError(error, this.#directory)
    }
  }

  entries(range: EngineRange): AsyncIterable<readonly [Uint8Array, Uint8Array]> {
    // The native iterator takes its snapshot here, not at the first read.
    return rows(this.#database, range, this.#directory)
  }

  write(batch: WriteBatch): Promise<void> {
    const isForThread = this.#isShared && batch.count >= THREAD_ROWS_MIN
    const rows = batch.take()
    return this.#inOrder(async () => {
      if (isForThread && (await levelWriter.ready())) {
        await levelWriter.write(this.#directory, this.#options, rows)
      } else await writeRows(this.#database, rows)
    })
  }

  prepareFor(load: EngineLoad): Promise<void> {
    return this.#inOrder(async () => {
      if (load === this.#load) return
      if (load === 'steady') await emptyWriteBuffer(this.#database)
      await levelWriter.close(this.#directory)
      await this.#database.close()
      this.#load = load
      this.#database = await openDatabase(this.#directory, this.#options)
    })
  }

  clear(range: EngineRange): Promise<void> {
    return this.#inOrder(() => this.#database.clear(range))
  }

  async close(): Promise<void> {
    await this.#tail.catch(() => undefined)
    try {
      await levelWriter.close(this.#directory)
    } finally {
      await this.#database.close()
      opened.delete(this.#directory)
      this.#onClosed?.()
    }
  }

  get #options(): object {
    return optionsOf(this.#load, this.#isShared)
  }

  /** After a failure nothing is written any more: a later batch would be there without the one before it. */
  #inOrder(write: () => Promise<void>): Promise<void> {
    const done = this.#tail.then(write).catch((error: unknown) => {
      throw levelError(error, this.#directory)
    })
    this.#tail = done
    // The caller sees the failure on `done`; on the tail it must not count as unhandled where nobody writes
    // again.
    this.#tail.catch(() => undefined)
    return done
  }
}

function rows(
  database: Database,
  range: EngineRange,
  directory: string,
): AsyncIterable<readonly [Uint8Array, Uint8Array]> {
  const { values = true } = range
  const iterator = database.iterator({ ...range, values })
  return (async function* () {
    try {
      for (;;) {
        const batch = await iterator.nextv(ROWS_PER_READ)
        if (batch.length === 0) return
        if (values) yield* batch
        else for (const [key] of batch) yield [key, EMPTY_BYTES] as const
      }
    } catch (error) {
      throw levelError(error, directory)
    } finally {
      await iterator.close()
    }
  })()
}
