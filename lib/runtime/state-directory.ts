import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { utf8, utf8Text } from '../common/bytes.ts'
import { present } from '../common/assert.ts'
import { errorFrom, StateDirectoryError, StreamsError, TaskCorruptedError } from '../common/errors.ts'
import type { TaskId } from '../common/ids.ts'
import type { Logger } from '../common/logger.ts'
import type { Random } from '../common/random.ts'
import type { Engine } from '../store/engine/engine.ts'
import { openLevelEngine, type LevelEngineOptions } from '../store/engine/level-engine.ts'
import { openError } from '../store/engine/level-error.ts'
import { WriteBatch } from '../store/engine/write-batch.ts'
import { StateEngine } from './state-engine.ts'
import { StateHealth } from './state-health.ts'

const GLOBAL = 'global'
const PROCESS_ID = utf8('process-id')

/**
 * `<stateDir>/<applicationId>`, owned by one process at a time. The lock is that of a small database, which the operating system
 * releases however the process ends; in it lies the process id, which names the process to the transaction coordinator
 * over restarts.
 */
export class StateDirectory {
  readonly path: string
  readonly #lock: Engine
  readonly #random: Random
  readonly #health = new Map<string, StateHealth>()
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

  /** Throws `STATE_DIRECTORY_IN_USE` or `STATE_DIRECTORY_UNUSABLE`. */
  static async open(
    options: { stateDir: string; applicationId: string },
    random: Random,
    logger: Logger,
  ): Promise<StateDirectory> {
    const path = join(options.stateDir, options.applicationId)
    const lock = await openLock(path, logger)
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
    await directory.close()
    await rm(directory.path, { recursive: true, force: true })
  }

  /** For a directory that was copied: the copy has the id of the original, and each would end the other's transactions. */
  async renewProcessId(): Promise<void> {
    const processId = this.#random.uuid()
    await this.#lock.write(WriteBatch.of([{ key: PROCESS_ID, value: utf8(processId) }]))
    this.#processId = processId
  }

  /**
   * Opens a task's state. What is damaged, or was found unfit, is removed first, with a line that says why, so that it is restored from its
   * changelogs. Throws `STATE_CORRUPTED` where that has not helped, `STATE_DIRECTORY_LOCKED` and `STATE_DIRECTORY_UNUSABLE`.
   */
  openTask(id: TaskId, logger: Logger): Promise<StateEngine> {
    return this.#openState(id, logger)
  }

  /** The same of the global stores. */
  openGlobal(logger: Logger): Promise<StateEngine> {
    return this.#openState(GLOBAL, logger)
  }

  async #openState(name: string, logger: Logger): Promise<StateEngine> {
    const health = this.#healthOf(name)
    const path = join(this.path, name)
    for (;;) {
      if (health.reason) await this.#wipe(health, path, logger)
      try {
        return new StateEngine(await openEngine(path), health)
      } catch (error) {
        if (!(error instanceof TaskCorruptedError)) throw error
        health.damaged(error)
      }
    }
  }

  async #wipe(health: StateHealth, path: string, logger: Logger): Promise<void> {
    const reason = present(health.reason, 'reason to remove state')
    health.wiping(reason)
    logger.log(
      'warn',
      `the state of ${health.what} is removed and rebuilt from its topics: ${reason.message}`,
    )
    await remove(path)
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

  async close(): Promise<void> {
    await this.#lock.close()
  }
}

/** Where its files are damaged, it is made anew: all that it holds is the id of the process. */
async function openLock(path: string, logger: Logger): Promise<Engine> {
  const lock = join(path, 'process')
  try {
    return await openEngine(lock, { isShared: false }).catch(async (error: unknown) => {
      if (!(error instanceof TaskCorruptedError)) throw error
      logger.log('warn', `the process gets a new id, since the old one is lost: ${error.message}`)
      await remove(lock)
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

async function remove(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true }).catch((error: unknown) =>
    Promise.reject(openError(error, path)),
  )
}
