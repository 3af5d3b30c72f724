import type { Header } from '../../common/headers.ts'
import type { RecordContext } from '../../common/record-context.ts'
import type { EvictionCache } from './eviction-cache.ts'
import { ContextLog } from './context-log.ts'
import type { Entry, KeyEntry } from './entry.ts'
import type { ValueState } from '../format/value-state.ts'
import { prefetchEntries } from './prefetch.ts'

/** A change that a cache held back. */
export interface HeldChange<E extends Entry = KeyEntry> {
  readonly entry: E
  /** The entry before the first change that was held back; without its value where nobody asks for that. */
  readonly before: ValueState
  /** Context of the last change. */
  readonly context: RecordContext
}

/**
 * Bytes that Kafka Streams counts for an entry beside key and value: its node, a flag, and where the record
 * came from.
 */
const ENTRY_BYTES = 24 + 1 + 20
/** Bytes that Kafka Streams counts for a number, as for the timestamp of a value. */
const NUMBER_BYTES = 8
const GAPS_MIN = 1024

/**
 * Changes that a cache holds back, at most one a key, in the order in which each was last written: Kafka
 * Streams' `NamedCache` takes a key out of its dirty keys and adds it again at every put. Bounded by
 * `cacheBytesMax`: the store flushes when it is passed, since in Kafka Streams the eviction of one dirty
 * entry flushes all of them. Bytes are counted as in its `LRUCacheEntry`, so that the same setting holds back
 * the same changes.
 */
export class DirtyChanges<E extends Entry = KeyEntry> {
  readonly #cache: EvictionCache<E>
  readonly #budget: { readonly cacheBytesMax: number }
  /**
   * Entries in the order of their writes, one place for each write. Only the entry's last place counts
   * (`heldAt`): so moving an entry to the end touches nothing but the end and the entry.
   */
  #order: E[] = []
  /** Contexts of `#order`, at the same index. */
  #contexts = new ContextLog()
  /** Number of the first place in `#order`. Places of earlier orders have smaller numbers. */
  #firstPlace = 0
  #releasing = 0
  #spareContexts: ContextLog | undefined
  /** Contexts of entries that a flush under way has not come to yet, and whose listener wrote to them. */
  readonly #rewritten = new Map<E, RecordContext>()
  #size = 0
  #bytes = 0

  constructor(cache: EvictionCache<E>, budget: { readonly cacheBytesMax: number }) {
    this.#cache = cache
    this.#budget = budget
  }

  get size(): number {
    return this.#size
  }

  get overfull(): boolean {
    return this.#bytes > this.#budget.cacheBytesMax
  }

  /** Notes that the entry has changed. `before` is what it was, and only used for a first change. */
  hold(entry: E, before: ValueState, context: RecordContext): void {
    if (entry.heldBefore === undefined) {
      entry.heldBefore = before
      this.#cache.pin(entry)
      this.#size += 1
      this.#append(entry, context)
    } else if (entry.heldAt >= this.#firstPlace) this.#append(entry, context)
    else this.#rewritten.set(entry, context)
    const bytes = countedBytes(entry, context)
    this.#bytes += bytes - entry.heldBytes
    entry.heldBytes = bytes
    if (this.#order.length > 4 * this.#size + GAPS_MIN) this.#closeGaps()
  }

  /**
   * Releases all changes, in order: the entry is no longer held when `release` is called, which pins it,
   * where need be, for the next stage. Changes made meanwhile are held anew, except those of entries whose
   * turn is still to come.
   */
  releaseAll(release: (change: HeldChange<E>) => void): void {
    const [order, contexts, firstPlace] = [this.#order, this.#contexts, this.#firstPlace]
    this.#order = []
    this.#contexts = this.#newContexts()
    this.#firstPlace = firstPlace + order.length
    this.#size = 0
    this.#releasing += 1
    for (let index = 0; index < order.length; index += 1) {
      prefetchEntries(order, index)
      const entry = order[index]!
      if (entry.heldAt !== firstPlace + index) continue
      const before = entry.heldBefore!
      entry.heldBefore = undefined
      this.#bytes -= entry.heldBytes
      entry.heldBytes = 0
      release({ entry, before, context: this.#takeRewritten(entry) ?? contexts.at(index) })
      this.#cache.unpin(entry)
    }
    this.#releasing -= 1
    contexts.clear()
    this.#spareContexts = contexts
    // Places begin at 0 again, since engines handle small integers fastest.
    if (this.#releasing === 0 && this.#order.length === 0) this.#firstPlace = 0
  }

  clear(): void {
    this.#order = []
    this.#contexts = new ContextLog()
    this.#spareContexts = undefined
    this.#rewritten.clear()
    this.#size = 0
    this.#bytes = 0
  }

  #append(entry: E, context: RecordContext): void {
    entry.heldAt = this.#firstPlace + this.#order.length
    this.#order.push(entry)
    this.#contexts.push(context)
  }

  #newContexts(): ContextLog {
    const contexts = this.#spareContexts ?? new ContextLog()
    this.#spareContexts = undefined
    return contexts
  }

  #takeRewritten(entry: E): RecordContext | undefined {
    if (this.#rewritten.size === 0) return undefined
    const context = this.#rewritten.get(entry)
    this.#rewritten.delete(entry)
    return context
  }

  #closeGaps(): void {
    const [order, contexts] = [this.#order, this.#contexts]
    this.#order = []
    this.#contexts = this.#newContexts()
    for (let index = 0; index < order.length; index += 1) {
      const entry = order[index]!
      if (entry.heldAt !== this.#firstPlace + index) continue
      entry.heldAt = this.#firstPlace + this.#order.length
      this.#order.push(entry)
      contexts.move(index, this.#contexts)
    }
    contexts.clear()
    this.#spareContexts = contexts
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
