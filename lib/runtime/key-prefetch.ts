import type { RawRecord } from '../broker/broker.ts'
import { isInBuffer, type SourceInBuffer } from '../common/record-context.ts'
import { PREFETCH_GROUP } from '../store/layer/prefetch.ts'
import type { StateStore } from '../store/state-store.ts'

/** Where a smaller share of a group is found, the store is one by other keys, or does not have these yet. */
const FOUND_MIN = 1 / 4
/** For how many groups such a store is left alone. */
const REST = 64

/**
 * Tells a task's stores which keys the records of one queue bring next. Most operators look for the key of their input, and what that finds is memory
 * that nobody has touched for long. Which stores are such is learned from what they find: a store in vain costs next to nothing.
 */
export class KeyPrefetch {
  readonly #stores: ReadonlyMap<string, StateStore>
  /** Groups for which a store is still left alone. */
  readonly #resting = new WeakMap<StateStore, number>()

  /** `stores` may change at any time. */
  constructor(stores: ReadonlyMap<string, StateStore>) {
    this.#stores = stores
  }

  /** To be called with each index of a chunk of records, in order, before that record is deserialised. */
  ahead(records: readonly RawRecord[], index: number): void {
    if (index % PREFETCH_GROUP > 0 || !areInBuffer(records, index)) return
    for (const store of this.#stores.values()) if (store.prefetch) this.#prefetch(store, records, index)
  }

  #prefetch(store: StateStore, records: readonly SourceInBuffer[], start: number): void {
    const rest = this.#resting.get(store) ?? 0
    if (rest > 0) {
      this.#resting.set(store, rest - 1)
      return
    }
    const count = Math.min(PREFETCH_GROUP, records.length - start)
    if (store.prefetch!(records, start) < FOUND_MIN * count) this.#resting.set(store, REST)
  }
}

/** They come from one consumer, so what is true of the first is true of all. */
function areInBuffer(
  records: readonly RawRecord[],
  index: number,
): records is (RawRecord & SourceInBuffer)[] {
  return isInBuffer(records[index]!)
}
