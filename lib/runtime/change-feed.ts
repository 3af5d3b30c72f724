import { copyBytes } from '../common/bytes.ts'
import type { StoreContext } from '../store/state-store.ts'

/** A change of a store, as bytes; `value` null: deleted. */
export interface RawStoreChange {
  readonly storeName: string
  readonly key: Uint8Array
  readonly value: Uint8Array | null
  readonly timestamp: number
}

/**
 * Changes of watched stores, held until the commit that makes them true; an abort forgets them. Stores nobody watches cost
 * nothing, so a watch must be there before the tasks are opened.
 */
export class ChangeFeed {
  readonly #watchers = new Map<string, Set<(change: RawStoreChange) => void>>()
  /** Of the epoch that is being committed. */
  #sealed: RawStoreChange[] = []
  #pending: RawStoreChange[] = []

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

  /** `committed`: what was sealed is true now; otherwise nothing since the last commit has happened. */
  epochEnd(outcome: { readonly committed: boolean }): void {
    const changes = this.#sealed
    this.#sealed = []
    if (!outcome.committed) {
      this.#pending = []
      return
    }
    for (const change of changes) {
      for (const listener of this.#watchers.get(change.storeName) ?? []) listener(change)
    }
  }
}
