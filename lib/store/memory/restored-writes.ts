import type { SourceInBuffer } from '../../common/record-context.ts'
import { WriteBatch } from '../engine/write-batch.ts'
import type { ChangelogRecord } from '../contract/state-store.ts'

/**
 * A row of the engine: its key without the store's prefix, a character for a byte, and its value, which may
 * be kept.
 */
export interface RestoredRow {
  readonly id: string
  readonly value: Uint8Array | null
}

interface Batch {
  readonly records: ChangelogRecord[]
  /** Values of the first `indexed` records by key, made at the first read. */
  readonly values: Map<string, Uint8Array | null>
  indexed: number
  /** Whether the keys that were added as samples are there, by the last record of each. */
  readonly samples: Map<string, boolean>
}

/**
 * Restored writes that the engine does not have yet, as rows of the engine: no entry is made for a key that
 * may never be read. Bounded by the batches of whoever restores. Reads in between are rare, since a task
 * starts after its restore; the first one pays for finding keys.
 */
export class RestoredWrites {
  readonly #rowOf: (record: ChangelogRecord) => RestoredRow
  /** Rows of the open batch. */
  readonly #rows = new WriteBatch()
  /** Batches, oldest first: the last is open, those before it are on their way into the engine. */
  #batches: Batch[] = [newBatch()]
  #size = 0

  constructor(rowOf: (record: ChangelogRecord) => RestoredRow) {
    this.#rowOf = rowOf
  }

  /** `key` and `value` are the record's row in the engine. They are copied; null deletes. */
  add(record: ChangelogRecord, key: Uint8Array, value: Uint8Array | null): void {
    this.#open.records.push(record)
    this.#rows.put(key, value)
    this.#size += 1
  }

  /**
   * Adds a record that lies in a larger buffer: its row is its key and its value with these heads in
   * front.
   */
  addSource(record: ChangelogRecord & SourceInBuffer, keyHead: Uint8Array, valueHead: Uint8Array): void {
    this.#open.records.push(record)
    this.#rows.putSource(keyHead, valueHead, record)
    this.#size += 1
  }

  get isEmpty(): boolean {
    return this.#size === 0
  }

  /** The row that the engine will have; null: none. Undefined: ask the engine. */
  find(id: string): Uint8Array | null | undefined {
    if (this.#size === 0) return undefined
    for (let at = this.#batches.length - 1; at >= 0; at -= 1) {
      const value = this.#indexed(this.#batches[at]!).get(id)
      if (value !== undefined) return value
    }
    return undefined
  }

  /** Returns whether there was anything to stage. */
  stage(batch: WriteBatch): boolean {
    const { records } = this.#open
    batch.takeFrom(this.#rows)
    this.#batches.push(newBatch())
    return records.length > 0
  }

  /** Drops the oldest batch, which is in the engine. */
  staged(): void {
    this.#size -= this.#batches.shift()!.records.length
  }

  clear(): void {
    this.#batches = [newBatch()]
    this.#rows.clear()
    this.#size = 0
  }

  /**
   * Whether a sampled key is there, and notes whether it is now; undefined: ask the engine. Every write of
   * the key has to be told here. So a few chosen keys are found among very many writes, for which an index of
   * all would be too dear.
   */
  sample(id: string, isThere: boolean): boolean | undefined {
    let before: boolean | undefined
    for (let at = this.#batches.length - 1; at >= 0 && before === undefined; at -= 1)
      before = this.#batches[at]!.samples.get(id)
    this.#open.samples.set(id, isThere)
    return before
  }

  get #open(): Batch {
    return this.#batches[this.#batches.length - 1]!
  }

  #indexed(batch: Batch): ReadonlyMap<string, Uint8Array | null> {
    for (; batch.indexed < batch.records.length; batch.indexed += 1) {
      const { id, value } = this.#rowOf(batch.records[batch.indexed]!)
      batch.values.set(id, value)
    }
    return batch.values
  }
}

function newBatch(): Batch {
  return { records: [], values: new Map(), indexed: 0, samples: new Map() }
}
