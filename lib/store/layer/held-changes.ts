import type { Header } from '../../common/headers.ts'
import type { RecordContext } from '../../common/record-context.ts'
import type { ClockCache } from './clock-cache.ts'
import { HeldChange, type Entry, type ValueState } from './entry.ts'

/** What the JVM original counts for an entry beside key and value: its node, a flag, and where the record came from. */
const ENTRY_BYTES = 24 + 1 + 20
/** Numbers are eight bytes there, and so are the timestamps of values. */
const NUMBER_BYTES = 8
const GAPS_MIN = 1024

/**
 * Changes that a cache holds back, at most one a key, in the order in which each was last written: `NamedCache` of the JVM original takes
 * a key out of its dirty keys and adds it again at every put. Bounded by `cacheBytesMax`: the store flushes when it is passed, as
 * there the eviction of one dirty entry flushes all of them. Bytes are counted as there (`LRUCacheEntry`), so that the same setting holds back
 * the same changes.
 */
export class HeldChanges<E extends Entry = Entry> {
  readonly #cache: ClockCache<E>
  readonly #budget: { readonly cacheBytesMax: number }
  /** A gap is left where a change was before it was written again: moving it costs no search. */
  #order: (HeldChange<E> | undefined)[] = []
  #size = 0
  #bytes = 0

  constructor(cache: ClockCache<E>, budget: { readonly cacheBytesMax: number }) {
    this.#cache = cache
    this.#budget = budget
  }

  get size(): number {
    return this.#size
  }

  get overfull(): boolean {
    return this.#bytes > this.#budget.cacheBytesMax
  }

  /** The entry has changed. `before` is what it was, and only used for a first change. */
  hold(entry: E, before: ValueState, context: RecordContext): void {
    let change = entry.held as HeldChange<E> | undefined
    if (change === undefined) {
      change = new HeldChange(entry, before)
      entry.held = change
      this.#cache.pin(entry)
      this.#size += 1
      this.#append(change)
    } else if (this.#order[change.place] === change) {
      if (change.place < this.#order.length - 1) this.#move(change)
    }
    // Else a flush is under way and will come to it: its listener wrote to this store.
    change.by(context)
    const bytes = countedBytes(entry, change)
    this.#bytes += bytes - change.bytes
    change.bytes = bytes
  }

  /** What is held, in order and with gaps, to be released one by one. Changes made meanwhile are held anew. */
  take(): readonly (HeldChange<E> | undefined)[] {
    const order = this.#order
    this.#order = []
    this.#size = 0
    return order
  }

  /** The caller has dealt with the change and, where need be, pinned the entry for what comes next. */
  release(change: HeldChange<E>): void {
    change.entry.held = undefined
    this.#bytes -= change.bytes
    this.#cache.unpin(change.entry)
  }

  clear(): void {
    this.#order = []
    this.#size = 0
    this.#bytes = 0
  }

  #append(change: HeldChange<E>): void {
    change.place = this.#order.length
    this.#order.push(change)
  }

  #move(change: HeldChange<E>): void {
    this.#order[change.place] = undefined
    this.#append(change)
    const order = this.#order
    if (order.length < 4 * this.#size + GAPS_MIN) return
    this.#order = []
    for (const each of order) if (each !== undefined) this.#append(each)
  }
}

function countedBytes(entry: Entry, { topic, headers }: RecordContext): number {
  let bytes = ENTRY_BYTES + entry.keyBytes + bytesOf(entry.value) + (topic?.length ?? 0)
  if (headers.length > 0) bytes += headerBytes(headers)
  return bytes
}

function bytesOf(value: unknown): number {
  if (value === undefined) return 0
  if (typeof value === 'object') return (value as Uint8Array).length
  return NUMBER_BYTES + (typeof value === 'string' ? value.length : NUMBER_BYTES)
}

function headerBytes(headers: readonly Header[]): number {
  let bytes = 0
  for (const { key, value } of headers) bytes += key.length + (value?.length ?? 0)
  return bytes
}
