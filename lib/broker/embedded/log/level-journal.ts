import { Buffer } from 'node:buffer'
import { Level } from 'level'
import { present } from '../../../common/assert.ts'
import { BrokerError } from '../../broker-error.ts'
import { errorFrom } from '../../../common/errors/errors.ts'
import { damageOf } from '../../../common/level/check-database.ts'
import type { Journal, Persistent, WriteBatch } from './journal.ts'

/**
 * Open tables are mapped, and count as resident memory: 2 MiB each. Logs are read from one end to the other,
 * so a few suffice.
 */
const OPTIONS = { keyEncoding: 'utf8', valueEncoding: 'buffer', maxOpenFiles: 40 } as const

type Database = Level<string, Buffer>
type Entries = Map<string, Buffer | null>

/**
 * The journal over a Level database. Writes reach the operating system before they are acknowledged, so they
 * survive the death of the process; they are not synced to the disk, so a power failure may take the last
 * ones, from the end.
 */
export class LevelJournal implements Journal {
  readonly #database: Database
  #dirty = new Set<Persistent>()
  #entries: Entries = new Map()
  #collecting = deferred()
  #inFlight: Promise<void> = Promise.resolve()
  #pumping = false
  #failure: BrokerError | undefined
  #pendingBytes = 0
  #collectedBytes = 0

  constructor(database: Database) {
    this.#database = database
  }

  get pendingBytes(): number {
    return this.#pendingBytes
  }

  addPendingBytes(bytes: number): void {
    this.#pendingBytes += bytes
    this.#collectedBytes += bytes
  }

  touch(item: Persistent): void {
    this.#dirty.add(item)
    this.#start()
  }

  putJson(key: string, value: unknown): void {
    this.#entries.set(key, Buffer.from(JSON.stringify(value)))
    this.#start()
  }

  delete(key: string): void {
    this.#entries.set(key, null)
    this.#start()
  }

  /**
   * Synchronous: a chunk is read in the middle of `poll`. Throws `BROKER_STORAGE_DAMAGED`, as `decode` does.
   */
  read<T>(key: string, decode: (value: Uint8Array) => T): T {
    try {
      return decode(present(this.#database.getSync(key), `journal entry ${key}`))
    } catch (reason) {
      throw storageDamaged(this.#database.location, reason)
    }
  }

  async settled(): Promise<void> {
    if (this.#failure) throw this.#failure
    await (this.#isClean() ? this.#inFlight : this.#collecting.promise)
  }

  async close(): Promise<void> {
    await this.settled().catch(() => undefined)
    await this.#database.close()
  }

  #isClean(): boolean {
    return this.#dirty.size === 0 && this.#entries.size === 0
  }

  /** In a microtask, so that all that one turn touches comes together first. */
  #start(): void {
    if (this.#pumping) return
    this.#pumping = true
    void Promise.resolve().then(() => this.#pump())
  }

  /** One write at a time, so that batches reach the disk in the order of the changes. */
  async #pump(): Promise<void> {
    while (!this.#isClean() && !this.#failure) await this.#writeBatch()
    this.#pumping = false
  }

  async #writeBatch(): Promise<void> {
    const { promise, resolve, reject } = this.#collecting
    const items = this.#dirty
    const bytes = this.#collectedBytes
    this.#inFlight = promise
    this.#collecting = deferred()
    try {
      const entries = this.#collect(items)
      await this.#database.batch(operations(entries))
      this.#pendingBytes -= bytes
      for (const item of items) item.written?.()
      resolve()
    } catch (reason) {
      this.#fail(reason)
      reject(this.#failure)
    }
  }

  /** Touches during the write belong to the next batch: both collections are replaced first. */
  #collect(items: Set<Persistent>): Entries {
    const entries = this.#entries
    this.#dirty = new Set()
    this.#entries = new Map()
    this.#collectedBytes = 0
    const batch = entryBatch(entries)
    for (const item of items) item.writeTo(batch)
    return entries
  }

  /** Nothing may be acknowledged after a lost write: the broker stays failed. */
  #fail(reason: unknown): void {
    const cause = errorFrom(reason)
    const message = `the broker's directory ${this.#database.location} cannot be written: ${cause.message}`
    this.#failure = new BrokerError('BROKER_STORAGE_FAILED', 'fatal', message, { cause })
    this.#collecting.reject(this.#failure)
  }
}

/**
 * Opens or creates the directory. Level allows one process at a time. Throws `BROKER_STORAGE_DAMAGED` where
 * files hold something else than was written.
 */
export async function openDatabase(directory: string): Promise<Database> {
  let damage: string | undefined
  // What another process writes to just now may make no sense for a moment; damage does so for ever.
  for (let look = 0; look < 3; look += 1) {
    damage = await damageOf(directory).catch((reason: unknown) => {
      throw cannotBeOpened(directory, errorFrom(reason))
    })
    if (damage === undefined) return openLevel(directory)
  }
  // Not opened: LevelDB would remove what it cannot make sense of, and somebody may still want to.
  throw storageDamaged(directory, new Error(damage))
}

/** The broker has no other copy: it is for people to decide what to do about it. */
export function storageDamaged(directory: string, reason: unknown): BrokerError {
  if (reason instanceof BrokerError) return reason
  const cause = errorFrom(reason)
  const message =
    `the broker's directory ${directory} is damaged: ${cause.message}. Put a backup in its place; or remove it, which loses the topics in it, ` +
    'and the state of their applications with them'
  return new BrokerError('BROKER_STORAGE_DAMAGED', 'fatal', message, { cause })
}

async function openLevel(directory: string): Promise<Database> {
  const database = new Level<string, Buffer>(directory, OPTIONS)
  try {
    await database.open()
    return database
  } catch (reason) {
    const cause = errorFrom(errorFrom(reason).cause ?? reason)
    const code = 'code' in cause ? cause.code : undefined
    if (code === 'LEVEL_CORRUPTION') throw storageDamaged(directory, cause)
    if (code !== 'LEVEL_LOCKED') throw cannotBeOpened(directory, cause)
    const message = `the broker's directory ${directory} is in use by another process; stop it or name another directory`
    throw new BrokerError('BROKER_DIRECTORY_IN_USE', 'fatal', message, { cause })
  }
}

function cannotBeOpened(directory: string, cause: Error): BrokerError {
  const message = `the broker's directory ${directory} cannot be opened: ${cause.message}`
  return new BrokerError('BROKER_STORAGE_FAILED', 'fatal', message, { cause })
}

function entryBatch(entries: Entries): WriteBatch {
  return {
    put: (key, value) => entries.set(key, value as Buffer),
    putJson: (key, value) => entries.set(key, Buffer.from(JSON.stringify(value))),
    delete: key => entries.set(key, null),
  }
}

type Operation =
  | { readonly type: 'put'; readonly key: string; readonly value: Buffer }
  | { readonly type: 'del'; readonly key: string }

function operations(entries: Entries): Operation[] {
  return Array.from(entries, ([key, value]) =>
    value === null ? ({ type: 'del', key } as const) : ({ type: 'put', key, value } as const),
  )
}

/** The promise of one batch, which everybody who waits for it shares. */
interface Deferred {
  readonly promise: Promise<void>
  readonly resolve: () => void
  readonly reject: (reason: unknown) => void
}

function deferred(): Deferred {
  let resolve: () => void = () => undefined
  let reject: (reason: unknown) => void = () => undefined
  const promise = new Promise<void>((settle, refuse) => {
    resolve = settle
    reject = refuse
  })
  // Nobody may be waiting for this batch; those who are get the rejection all the same.
  promise.catch(() => undefined)
  return { promise, resolve, reject }
}
