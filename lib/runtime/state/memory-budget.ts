import type { RuntimeSettings } from '../plan/settings.ts'

/**
 * The bytes that one store may use at present. They shrink and grow as stores come and go: to be read anew
 * each time.
 */
export interface StoreShare {
  readonly cacheBytesMax: number
  readonly readCacheBytesMax: number
}

/**
 * The memory of all stores of a process, divided evenly among those that are open: more tasks do not mean
 * more memory, as with `statestore.cache.max.bytes` of Kafka Streams. A store over its new share frees memory
 * at its next commit.
 */
export class MemoryBudget {
  readonly #settings: Pick<RuntimeSettings, 'cacheBytesMax' | 'readCacheBytesMax'>
  readonly #shares = new Set<Share>()

  constructor(settings: Pick<RuntimeSettings, 'cacheBytesMax' | 'readCacheBytesMax'>) {
    this.#settings = settings
  }

  /** Adds a store, which has to leave again. `caching`: whether it holds changes back. */
  join({ caching }: { readonly caching: boolean }): StoreShare {
    const share = new Share(caching)
    this.#shares.add(share)
    this.#divide()
    return share
  }

  leave(share: StoreShare): void {
    this.#shares.delete(share as Share)
    this.#divide()
  }

  #divide(): void {
    let caching = 0
    for (const share of this.#shares) if (share.caching) caching += 1
    const { cacheBytesMax, readCacheBytesMax } = this.#settings
    for (const share of this.#shares) {
      share.cacheBytesMax = share.caching ? Math.ceil(cacheBytesMax / caching) : 0
      share.readCacheBytesMax = Math.floor(readCacheBytesMax / this.#shares.size)
    }
  }
}

class Share implements StoreShare {
  readonly caching: boolean
  cacheBytesMax = 0
  readCacheBytesMax = 0

  constructor(caching: boolean) {
    this.caching = caching
  }
}
