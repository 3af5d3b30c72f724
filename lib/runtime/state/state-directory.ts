import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { utf8, utf8Text } from '../../common/bytes.ts'
import { present } from '../../common/assert.ts'
import {
  errorFrom,
  StateDirectoryError,
  StreamsError,
  TaskCorruptedError,
} from '../../common/errors/errors.ts'
import type { TaskId } from '../../common/ids.ts'
import type { Logger } from '../../common/logger.ts'
import type { Random } from '../../common/random.ts'
import type { Engine } from '../../store/engine/engine.ts'
import { openLevelEngine, type LevelEngineOptions } from '../../store/engine/level-engine.ts'
import { openError } from '../../store/engine/level-error.ts'
import { WriteBatch } from '../../store/engine/write-batch.ts'
import { StateEngine } from './state-engine.ts'
import { StateHealth } from './state-health.ts'

const GLOBAL = 'global'
const PROCESS_ID = utf8('process-id')
const LOCK = 'process'
const TASK = /^\d+_\d+$/
const REMOVED = 'removed-'

/** The use by this process of one task's state, or of the global stores'. */
interface Use {
  /** Number of engines that are open, or being opened. */
  open: number
  opened: number
  /** A look or a removal that is under way; it never rejects. */
  busy: Promise<unknown> | undefined
}

/**
 * `<stateDir>/<applicationId>`, owned by one process at a time. The lock is that of a small database, which
 * the operating system releases however the process ends; in it lies the process id, which names the process
 * to the transaction coordinator over restarts.
 */
export class StateDirectory {
  readonly path: string
  readonly #lock: Engine
  readonly #random: Random
  readonly #health = new Map<string, StateHealth>()
  readonly #uses = new Map<string, Use>()
  #processId: string

  private constructor(path: string, parts: { processId: string; lock: Engine; random: Random }) {
    this.path = path
    this.#processId = parts.processId
    this.#lock = parts.lock
    this.#random = parts.random
  }

  get processId(): string {
    return this.#processId
  }

  /** Opens the directory. Throws `STATE_DIRECTORY_IN_USE` or `STATE_DIRECTORY_UNUSABLE`. */
  static async open(
    options: { stateDir: string; applicationId: string },
    random: Random,
    logger: Logger,
  ): Promise<StateDirectory> {
    const path = join(options.stateDir, options.applicationId)
    const lock = await openLock(path, random, logger)
    try {
      const stored = lock.get(PROCESS_ID)
      const directory = new StateDirectory(path, { processId: stored ? utf8Text(stored) : '', lock, random })
      if (!stored) await directory.renewProcessId()
      return directory
    } catch (error) {
      await lock.close()
      throw error
    }
  }

  /** Removes the directory with all state. Throws `STATE_DIRECTORY_IN_USE` while a process has it. */
  static async remove(
    options: { stateDir: string; applicationId: string },
    random: Random,
    logger: Logger,
  ): Promise<void> {
    const directory = await StateDirectory.open(options, random, logger)
    try {
      // The files are removed while the lock is held: nobody opens a directory that is half removed.
      for (const name of await readdir(directory.path)) {
        if (name !== LOCK) await removeWhole(directory.path, name, random)
      }
    } finally {
      await directory.close()
    }
    await rm(directory.path, { recursive: true, force: true })
  }

  /**
   * Makes a new process id, for a directory that was copied: both copies have one id in Kafka, and each would
   * end the other's transactions.
   */
  async renewProcessId(): Promise<void> {
    const processId = this.#random.uuid()
    await this.#lock.write(WriteBatch.of([{ key: PROCESS_ID, value: utf8(processId) }]))
    this.#processId = processId
  }

  /**
   * Opens a task's state. Damaged or unfit state is removed first, with a line in the log that says why, so
   * that it is restored from its changelogs. Waits until nobody looks at it, or removes it. Throws
   * `STATE_CORRUPTED` where that has not helped, `STATE_DIRECTORY_LOCKED` and `STATE_DIRECTORY_UNUSABLE`.
   */
  openTask(id: TaskId, logger: Logger): Promise<StateEngine> {
    return this.#openState(id, logger)
  }

  /** Opens the engine of the global stores. */
  openGlobal(logger: Logger): Promise<StateEngine> {
    return this.#openState(GLOBAL, logger)
  }

  /** Ids of the tasks that have state here. */
  async tasks(): Promise<TaskId[]> {
    return (await readdir(this.path)).filter(name => TASK.test(name)) as TaskId[]
  }

  /** How often a task's state was opened so far; undefined while it is open. */
  timesOpened(id: TaskId): number | undefined {
    const { open, opened } = this.#useOf(id)
    return open > 0 ? undefined : opened
  }

  /**
   * Returns what `look` finds in a task's state that is not open; opening it waits meanwhile. Undefined where
   * it is open. Throws `TaskCorruptedError` where it is damaged.
   */
  async lookInto<T>(id: TaskId, look: (engine: Engine) => Promise<T>): Promise<T | undefined> {
    return this.#whileClosed(id, async () => {
      const engine = await openEngine(join(this.path, id))
      try {
        return await look(engine)
      } finally {
        await engine.close()
      }
    })
  }

  /**
   * Removes a task's state if it is closed, and has not been opened since `timesOpened` said that; returns
   * whether. Throws where it cannot be deleted: then `sweep` does it.
   */
  async removeUnused(id: TaskId, timesOpened: number): Promise<boolean> {
    // A rename puts the state out of the way; deleting it takes longer, and nobody need wait for that.
    const removed = await this.#whileClosed(id, async () =>
      this.#useOf(id).opened === timesOpened ? putAside(this.path, id, this.#random) : undefined,
    )
    if (removed === undefined) return false
    await rm(removed, { recursive: true, force: true })
    return true
  }

  /** Deletes removed state that could not be deleted at once, or whose deletion a crash interrupted. */
  async sweep(): Promise<void> {
    for (const name of await readdir(this.path)) {
      if (name.startsWith(REMOVED)) await rm(join(this.path, name), { recursive: true, force: true })
    }
  }

  async #openState(name: string, logger: Logger): Promise<StateEngine> {
    const release = this.#hold(name)
    try {
      await this.#useOf(name).busy
      return await this.#openHealthy(name, logger, release)
    } catch (error) {
      release()
      throw error
    }
  }

  async #openHealthy(name: string, logger: Logger, onClosed: () => void): Promise<StateEngine> {
    const health = this.#healthOf(name)
    for (;;) {
      if (health.reason) await this.#wipe(health, name, logger)
      try {
        return new StateEngine(await openEngine(join(this.path, name), { onClosed }), health)
      } catch (error) {
        if (!(error instanceof TaskCorruptedError)) throw error
        health.damaged(error)
      }
    }
  }

  async #wipe(health: StateHealth, name: string, logger: Logger): Promise<void> {
    const reason = present(health.reason, 'reason to remove state')
    health.wiping(reason)
    logger.log(
      'warn',
      `the state of ${health.what} is removed and rebuilt from its topics: ${reason.message}`,
    )
    await removeWhole(this.path, name, this.#random)
    health.wiped()
  }

  #healthOf(name: string): StateHealth {
    let health = this.#health.get(name)
    if (!health) {
      const what = name === GLOBAL ? 'the global stores' : `task ${name}`
      this.#health.set(name, (health = new StateHealth(what, join(this.path, name))))
    }
    return health
  }

  /** Counts a task's state as open until the returned function is called; a second call changes nothing. */
  #hold(name: string): () => void {
    const use = this.#useOf(name)
    use.opened += 1
    use.open += 1
    let isHeld = true
    return () => {
      if (isHeld) use.open -= 1
      isHeld = false
    }
  }

  async #whileClosed<T>(name: string, action: () => Promise<T>): Promise<T | undefined> {
    const use = this.#useOf(name)
    if (use.open > 0 || use.busy) return undefined
    const work = action()
    use.busy = work.catch(() => undefined)
    try {
      return await work
    } finally {
      use.busy = undefined
    }
  }

  #useOf(name: string): Use {
    let use = this.#uses.get(name)
    if (use === undefined) this.#uses.set(name, (use = { open: 0, opened: 0, busy: undefined }))
    return use
  }

  async close(): Promise<void> {
    await this.#lock.close()
  }
}

/**
 * Opens the database of the lock. Where its files are damaged, it is made anew: it holds no more than the id
 * of the process.
 */
async function openLock(path: string, random: Random, logger: Logger): Promise<Engine> {
  const lock = join(path, LOCK)
  try {
    return await openEngine(lock, { isShared: false }).catch(async (error: unknown) => {
      if (!(error instanceof TaskCorruptedError)) throw error
      logger.log('warn', `the process gets a new id, since the old one is lost: ${error.message}`)
      await removeWhole(path, LOCK, random)
      return await openEngine(lock, { isShared: false })
    })
  } catch (reason) {
    const cause = errorFrom(reason)
    const busy = cause instanceof StreamsError && cause.code === 'STATE_DIRECTORY_LOCKED'
    if (!busy) {
      throw new StateDirectoryError(
        'STATE_DIRECTORY_UNUSABLE',
        `the state directory ${path} cannot be used: ${cause.message}`,
        { cause },
      )
    }
    throw new StreamsError(
      'STATE_DIRECTORY_IN_USE',
      `the state directory ${path} is in use by another process of this application: ` +
        'end that process, or give this one a stateDir of its own',
      { cause },
    )
  }
}

async function openEngine(path: string, options?: LevelEngineOptions): Promise<Engine> {
  await mkdir(path, { recursive: true }).catch((error: unknown) => Promise.reject(openError(error, path)))
  return openLevelEngine(path, options)
}

/** Removes a directory. If it cannot be deleted, it is out of the way even so, and left to `sweep`. */
async function removeWhole(directory: string, name: string, random: Random): Promise<void> {
  const removed = await putAside(directory, name, random)
  if (removed !== undefined) await rm(removed, { recursive: true, force: true }).catch(() => undefined)
}

/**
 * Renames the directory, all of it at once: a database of which only some files are deleted when the process
 * ends might open without an error, and with rows missing. Undefined where there is none.
 */
async function putAside(directory: string, name: string, random: Random): Promise<string | undefined> {
  const path = join(directory, name)
  const removed = join(directory, `${REMOVED}${name}-${random.uuid()}`)
  try {
    await rename(path, removed)
    return removed
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') return undefined
    throw openError(error, path)
  }
}
