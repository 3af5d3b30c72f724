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
  /** Resolves when reads show the commit; undefined: they do already. Never rejects. */
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
   * The telling of earlier epochs: epochs are told in order, though tasks of a later one may have written
   * sooner. Undefined: all are told.
   */
  #telling: Promise<void> | undefined

  watch(storeName: string, listener: (change: RawStoreChange) => void): () => void {
    let listeners = this.#watchers.get(storeName)
    if (!listeners) this.#watchers.set(storeName, (listeners = new Set()))
    listeners.add(listener)
    return () => listeners.delete(listener)
  }

  /** Listens to a store's changes, beside its changelog or in place of it. */
  readonly tap = (storeName: string): StoreContext['log'] => {
    return (key, value, timestamp) => {
      if ((this.#watchers.get(storeName)?.size ?? 0) > 0)
        this.#pending.push({ storeName, key: copyBytes(key), value: value && copyBytes(value), timestamp })
    }
  }

  /** Seals the epoch: further changes wait for the next commit. */
  epochSealed(): void {
    this.#sealed = this.#sealed.concat(this.#pending)
    this.#pending = []
  }

  /**
   * Ends an epoch. `committed`: its changes are true now, and told when reads show them; otherwise all
   * changes since the last commit are dropped.
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
