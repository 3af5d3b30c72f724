import { copyBytes } from '../../common/bytes.ts'
import type { StoreContext } from '../../store/contract/state-store.ts'

/** A change of a store, as bytes; `value` null: deleted. */
export interface RawStoreChange {
  readonly storeName: string
  readonly key: Uint8Array
  readonly value: Uint8Array | null
  readonly timestamp: number
}

export interface EpochOutcome {
  readonly committed: boolean
  /** Resolves when reads of what is committed show it; undefined: they do. Never rejects. */
  readonly shown?: Promise<unknown> | undefined
}

/**
 * Changes of watched stores, held until the commit that makes them true; an abort forgets them. Stores nobody
 * watches cost nothing, so a watch must be there before the tasks are opened.
 */
export class ChangeFeed {
  readonly #watchers = new Map<string, Set<(change: RawStoreChange) => void>>()
  /** Changes of the epoch that is being committed. */
  #sealed: RawStoreChange[] = []
  #pending: RawStoreChange[] = []
  /**
   * Epochs are told of in their order, though tasks of a later one may have written sooner. Undefined: all
   * are.
   */
  #telling: Promise<void> | undefined

  watch(storeName: string, listener: (change: RawStoreChange) => void): () => void {
    let listeners = this.#watchers.get(storeName)
    if (!listeners) this.#watchers.set(storeName, (listeners = new Set()))
    listeners.add(listener)
    return () => listeners.delete(listener)
  }

  /** What stands beside, or in place of, the changelog of a store. */
  readonly tap = (storeName: string): StoreContext['log'] => {
    return (key, value, timestamp) => {
      if ((this.#watchers.get(storeName)?.size ?? 0) > 0)
        this.#pending.push({ storeName, key: copyBytes(key), value: value && copyBytes(value), timestamp })
    }
  }

  /** A commit begins: what comes from now on waits for the next one. */
  epochSealed(): void {
    this.#sealed = this.#sealed.concat(this.#pending)
    this.#pending = []
  }

  /**
   * `committed`: what was sealed is true now, and told of when it is shown; otherwise nothing since the last
   * commit has happened.
   */
  epochEnd({ committed, shown }: EpochOutcome): void {
    const changes = this.#sealed
    this.#sealed = []
    if (!committed) {
      this.#pending = []
      return
    }
    if (changes.length === 0) return
    if (!shown && !this.#telling) {
      this.#tell(changes)
      return
    }
    const telling = Promise.all([this.#telling, shown]).then(() => {
      if (this.#telling === telling) this.#telling = undefined
      this.#tell(changes)
    })
    this.#telling = telling
  }

  #tell(changes: readonly RawStoreChange[]): void {
    for (const change of changes) {
      for (const listener of this.#watchers.get(change.storeName) ?? []) listener(change)
    }
  }
}
