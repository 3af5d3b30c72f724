import { Level } from 'level'
import { EMPTY_BYTES } from '../../common/bytes.ts'
import { errorFrom, StreamsError, TaskCorruptedError } from '../../common/errors.ts'
import type { Engine, EngineLoad, EngineRange } from './engine.ts'
import type { WriteBatch } from './write-batch.ts'

type Database = Level<Uint8Array, Uint8Array>

/** What `level` is in Node can do more than its types tell, which are those of the browser, too. */
interface Compactable {
  compactRange(from: Uint8Array, to: Uint8Array): Promise<void>
}

/**
 * A process has one database for each task: LevelDB's defaults (a write buffer of 4 MiB, twice, and a block cache of 8 MiB) add up. What is read often is in
 * the stores' own caches above.
 */
const OPTIONS = {
  keyEncoding: 'buffer',
  valueEncoding: 'buffer',
  cacheSize: 1024 * 1024,
  // Open tables are mapped, and count as resident: 2 MiB each.
  maxOpenFiles: 64,
} as const

/**
 * Each full buffer becomes a table, and four tables are merged with all others: the position that goes with every batch makes the tables of a restore
 * overlap, whatever the order of its keys. LevelDB has one thread for all databases of a process to do that.
 */
const WRITE_BUFFER_BYTES: { readonly [load in EngineLoad]: number } = {
  steady: 1024 * 1024,
  // More spares little, and a skip list that is too large for the processor's caches is slow to fill in random order.
  bulk: 8 * 1024 * 1024,
}

/** No key begins with it: a range without keys. */
const BEHIND_ALL_KEYS = Uint8Array.of(0xff)

/** Rows that one call fetches from the native iterator. */
const ROWS_PER_READ = 1000

/**
 * An engine over LevelDB in a directory of its own, which is made if it is missing. Throws `STATE_DIRECTORY_LOCKED` where another
 * process (or another engine of this one) has it open, and `TaskCorruptedError` where the files cannot be read.
 */
export async function openLevelEngine(directory: string): Promise<Engine> {
  return new LevelEngine(directory, await openDatabase(directory, 'steady'))
}

/**
 * Makes a table of what is in the write buffer, as compacting does first; what is in the log alone would be cut into many small ones by the
 * small buffer of the next opening.
 */
async function emptyWriteBuffer(database: Database): Promise<void> {
  await (database as unknown as Compactable).compactRange(BEHIND_ALL_KEYS, BEHIND_ALL_KEYS)
}

async function openDatabase(directory: string, load: EngineLoad): Promise<Database> {
  const database: Database = new Level(directory, { ...OPTIONS, writeBufferSize: WRITE_BUFFER_BYTES[load] })
  try {
    await database.open()
  } catch (error) {
    throw openError(directory, error)
  }
  return database
}

class LevelEngine implements Engine {
  readonly persistent = true
  readonly #directory: string
  #database: Database
  #load: EngineLoad = 'steady'
  /** LevelDB runs batches on a thread pool, in no particular order: each waits here for the one before. */
  #tail: Promise<void> = Promise.resolve()

  constructor(directory: string, database: Database) {
    this.#directory = directory
    this.#database = database
  }

  get(key: Uint8Array): Uint8Array | undefined {
    try {
      return this.#database.getSync(key)
    } catch (error) {
      throw readError(error)
    }
  }

  entries(range: EngineRange): AsyncIterable<readonly [Uint8Array, Uint8Array]> {
    // The native iterator takes its snapshot here, not at the first read.
    return rows(this.#database, range)
  }

  write(batch: WriteBatch): Promise<void> {
    return this.#inOrder(() => {
      // One call an operation takes half the time of one call with an array of objects, whose properties are read one by one.
      const operations = this.#database.batch()
      batch.forEach((key, value) => {
        if (value === null) operations.del(key)
        else operations.put(key, value)
      })
      return operations.write()
    })
  }

  prepareFor(load: EngineLoad): Promise<void> {
    return this.#inOrder(async () => {
      if (load === this.#load) return
      if (load === 'steady') await emptyWriteBuffer(this.#database)
      await this.#database.close()
      this.#database = await openDatabase(this.#directory, load)
      this.#load = load
    })
  }

  clear(range: EngineRange): Promise<void> {
    return this.#inOrder(() => this.#database.clear(range))
  }

  async close(): Promise<void> {
    await this.#tail.catch(() => undefined)
    await this.#database.close()
  }

  /** After a failure nothing is written any more: a later batch would be there without the one before it. */
  #inOrder(write: () => Promise<void>): Promise<void> {
    const done = this.#tail.then(write)
    this.#tail = done
    // The caller sees the failure on `done`; the tail must not count as unhandled where nobody writes again.
    this.#tail.catch(() => undefined)
    return done
  }
}

function rows(database: Database, range: EngineRange): AsyncIterable<readonly [Uint8Array, Uint8Array]> {
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
      throw readError(error)
    } finally {
      await iterator.close()
    }
  })()
}

function openError(directory: string, error: unknown): Error {
  const cause = errorFrom(error).cause
  const code = codeOf(cause) ?? codeOf(error)
  if (code === 'LEVEL_LOCKED') {
    return new StreamsError(
      'STATE_DIRECTORY_LOCKED',
      `"${directory}" is in use by another process. Give each process its own state directory.`,
      { cause: error },
    )
  }
  if (code === 'LEVEL_CORRUPTION') {
    return new TaskCorruptedError(`the state in "${directory}" cannot be read`, { cause: error })
  }
  const reason = errorFrom(cause ?? error).message
  return new StreamsError('STATE_DIRECTORY_UNUSABLE', `"${directory}" cannot be opened: ${reason}`, {
    cause: error,
  })
}

function readError(error: unknown): Error {
  const code = codeOf(error)
  if (code !== 'LEVEL_CORRUPTION' && code !== 'LEVEL_IO_ERROR') return errorFrom(error)
  return new TaskCorruptedError('the state on disk cannot be read', { cause: error })
}

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
}
