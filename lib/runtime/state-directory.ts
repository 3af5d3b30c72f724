import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { utf8, utf8Text } from '../common/bytes.ts'
import { errorFrom, StreamsError } from '../common/errors.ts'
import type { TaskId } from '../common/ids.ts'
import type { Random } from '../common/random.ts'
import type { Engine } from '../store/engine/engine.ts'
import { openLevelEngine, type LevelEngineOptions } from '../store/engine/level-engine.ts'
import { WriteBatch } from '../store/engine/write-batch.ts'

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
  ): Promise<StateDirectory> {
    const path = join(options.stateDir, options.applicationId)
    const lock = await openLock(path)
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
  static async remove(options: { stateDir: string; applicationId: string }, random: Random): Promise<void> {
    const directory = await StateDirectory.open(options, random)
    await directory.close()
    await rm(directory.path, { recursive: true, force: true })
  }

  /** For a directory that was copied: the copy has the id of the original, and each would end the other's transactions. */
  async renewProcessId(): Promise<void> {
    const processId = this.#random.uuid()
    await this.#lock.write(WriteBatch.of([{ key: PROCESS_ID, value: utf8(processId) }]))
    this.#processId = processId
  }

  async openTask(id: TaskId): Promise<Engine> {
    return openEngine(join(this.path, id))
  }

  async openGlobal(): Promise<Engine> {
    return openEngine(join(this.path, 'global'))
  }

  /** Removes a task's state, which must be closed: it is restored from the changelog next time. */
  async removeTask(id: TaskId): Promise<void> {
    await rm(join(this.path, id), { recursive: true, force: true })
  }

  async close(): Promise<void> {
    await this.#lock.close()
  }
}

async function openLock(path: string): Promise<Engine> {
  try {
    return await openEngine(join(path, 'process'), { isShared: false })
  } catch (reason) {
    const cause = errorFrom(reason)
    const busy = cause instanceof StreamsError && cause.code === 'STATE_DIRECTORY_LOCKED'
    if (!busy) {
      throw new StreamsError(
        'STATE_DIRECTORY_UNUSABLE',
        `the state directory ${path} cannot be used: ${cause.message}`,
        {
          cause,
        },
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
  await mkdir(path, { recursive: true })
  return openLevelEngine(path, options)
}
