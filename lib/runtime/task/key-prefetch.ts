import type { RawRecord } from '../../broker/broker.ts'
import { isInBuffer, type SourceInBuffer } from '../../common/record-context.ts'
import {
  isPrefetching,
  PREFETCH_GROUP,
  type KeyTexts,
  type PrefetchingStore,
} from '../../store/contract/prefetching-store.ts'
import type { StateStore } from '../../store/contract/state-store.ts'

/**
 * Share of a group that a store must find. One that finds less has other keys, or does not have these yet.
 */
const FOUND_MIN = 1 / 4
/** Groups for which a store that found too little is left alone. */
const REST = 64

/**
 * Tells a task's stores which keys the records of one queue bring next. Most operators look for the key of
 * their input, whose entry is in memory that nobody has touched for long. Whether a store is looked up by
 * these keys is learned from what it finds: asking one in vain costs next to nothing.
 */
export class KeyPrefetch {
  readonly #stores: ReadonlyMap<string, StateStore>
  /** Groups for which a store is still left alone. */
  readonly #resting = new WeakMap<StateStore, number>()
  /** Texts of the keys of the last group. */
  readonly #texts: KeyTexts = new Array<undefined>(PREFETCH_GROUP).fill(undefined)

  /** `stores` may change at any time. */
  constructor(stores: ReadonlyMap<string, StateStore>) {
    this.#stores = stores
  }

  /**
   * Returns the text of a record's key in ASCII, where a store knows it: making it anew costs several times
   * as much as comparing it, and a look-up by the very text of the entry is quicker. To be called with each
   * index of a chunk of records, in order, before that record is deserialised.
   */
  ahead(records: readonly RawRecord[], index: number): string | undefined {
    const place = index % PREFETCH_GROUP
    if (place === 0) this.#tell(records, index)
    return this.#texts[place]
  }

  #tell(records: readonly RawRecord[], start: number): void {
    this.#texts.fill(undefined)
    if (!areInBuffer(records, start)) return
    for (const store of this.#stores.values()) if (isPrefetching(store)) this.#prefetch(store, records, start)
  }

  #prefetch(store: PrefetchingStore, records: readonly SourceInBuffer[], start: number): void {
    const rest = this.#resting.get(store) ?? 0
    if (rest > 0) {
      this.#resting.set(store, rest - 1)
      return
    }
    const count = Math.min(PREFETCH_GROUP, records.length - start)
    if (store.prefetch(records, start, this.#texts) < FOUND_MIN * count) this.#resting.set(store, REST)
  }
}

/** Whether the records lie in a buffer. The first one tells of all, since they come from one consumer. */
function areInBuffer(
  records: readonly RawRecord[],
  index: number,
): records is (RawRecord & SourceInBuffer)[] {
  return isInBuffer(records[index]!)
}
