import { mkdir, open, readFile, rename, rm, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { systemClock, type Clock } from '../../common/clock.ts'
import { systemRandom, type Random } from '../../common/random.ts'
import type { PayloadStore } from '../../serde/claims/payload-store.ts'

/** The objects that a directory of payloads works with; tests give their own. */
export interface DirectoryPayloadsComponents {
  readonly clock?: Clock
  readonly random?: Random
}

/**
 * Payloads as files of a directory, which processes may share. A payload is written beside its place, synced
 * and moved there: so what has its name is whole, whatever ends the process.
 */
export class DirectoryPayloads implements PayloadStore {
  readonly #directory: string
  readonly #clock: Clock
  readonly #random: Random

  constructor(directory: string, components: DirectoryPayloadsComponents = {}) {
    const { clock = systemClock, random = systemRandom } = components
    this.#directory = directory
    this.#clock = clock
    this.#random = random
  }

  async put(id: string, bytes: Uint8Array): Promise<void> {
    if (await this.#renew(id)) return
    const folder = this.#folderOf(id)
    await mkdir(folder, { recursive: true })
    const path = join(folder, id)
    // Another process may write the same payload, or have been killed while it did.
    const draft = `${path}.${this.#random.uuid()}.tmp`
    try {
      await writeSynced(draft, bytes)
      await rename(draft, path)
    } catch (error) {
      await rm(draft, { force: true })
      throw error
    }
    await syncDirectory(folder)
    await syncDirectory(this.#directory)
  }

  async get(id: string): Promise<Uint8Array | undefined> {
    try {
      return await readFile(join(this.#folderOf(id), id))
    } catch (error) {
      if (isMissing(error)) return undefined
      throw error
    }
  }

  /** Sets the file's time, by which old payloads may be cleared away. False: there is no such file. */
  async #renew(id: string): Promise<boolean> {
    const now = new Date(this.#clock.nowMs())
    try {
      await utimes(join(this.#folderOf(id), id), now, now)
      return true
    } catch (error) {
      if (isMissing(error)) return false
      throw error
    }
  }

  #folderOf(id: string): string {
    if (!/^[0-9a-f]{64}$/.test(id))
      throw new TypeError(`"${id}" is no id of a payload: 64 hexadecimal digits`)
    return join(this.#directory, id.slice(0, 2))
  }
}

async function writeSynced(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'wx')
  try {
    await file.writeFile(bytes)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Makes the names in it safe. Windows has no such call, and needs none. */
async function syncDirectory(path: string): Promise<void> {
  if (process.platform === 'win32') return
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT'
}
