import { copyBytes } from '../../common/bytes.ts'
import type { EngineWrite } from '../engine/engine.ts'
import type { ChangelogRecord } from '../state-store.ts'
import type { KeyCodec } from './key-codec.ts'
import type { ValueFormat } from './value-format.ts'

interface Batch {
  readonly writes: EngineWrite[]
  /** Of the first `indexed` writes, made when somebody reads. */
  readonly values: Map<string, Uint8Array | null>
  indexed: number
  /** The last word on keys that were added as samples: whether they are there. */
  readonly samples: Map<string, boolean>
}

/**
 * What a restore brought and the engine does not have yet, as it will be there: no entry is made for a key that may never be read.
 * Bounded by the batches of whoever restores. Reads in between are rare, since a task starts after its restore; the first one pays
 * for finding keys.
 */
export class RestoredWrites {
  readonly #idOfEngineKey: (engineKey: Uint8Array) => string
  /** Those before the last are on their way into the engine, oldest first. */
  #batches: Batch[] = [newBatch()]
  #size = 0

  constructor(idOfEngineKey: (engineKey: Uint8Array) => string) {
    this.#idOfEngineKey = idOfEngineKey
  }

  add(write: EngineWrite): void {
    this.#open.writes.push(write)
    this.#size += 1
  }

  get isEmpty(): boolean {
    return this.#size === 0
  }

  /** What will be in the engine; null: nothing. Undefined: ask the engine. */
  find(id: string): Uint8Array | null | undefined {
    if (this.#size === 0) return undefined
    for (let at = this.#batches.length - 1; at >= 0; at -= 1) {
      const value = this.#indexed(this.#batches[at]!).get(id)
      if (value !== undefined) return value
    }
    return undefined
  }

  /** Whether there was anything to stage. */
  stage(batch: EngineWrite[]): boolean {
    const { writes } = this.#open
    for (const write of writes) batch.push(write)
    this.#batches.push(newBatch())
    return writes.length > 0
  }

  /** The oldest batch is in the engine. */
  staged(): void {
    this.#size -= this.#batches.shift()!.writes.length
  }

  clear(): void {
    this.#batches = [newBatch()]
    this.#size = 0
  }

  /**
   * As `find`, of keys that are told here at each of their writes, and only whether they are there: looks for a few chosen keys among very
   * many writes, for which an index of all would be too dear. Undefined: ask the engine.
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
    for (; batch.indexed < batch.writes.length; batch.indexed += 1) {
      const { key, value } = batch.writes[batch.indexed]!
      // What a read gets stays in memory longer than the record does.
      batch.values.set(this.#idOfEngineKey(key), value && copyBytes(value))
    }
    return batch.values
  }
}

/**
 * The row of a changelog record, made when the engine takes it: until then the record is all that is held, and the key is written where
 * the one before it was.
 */
export class RestoredRow<K, V> implements EngineWrite {
  readonly #record: ChangelogRecord
  readonly #keys: KeyCodec<K>
  readonly #values: ValueFormat<V>

  constructor(record: ChangelogRecord, keys: KeyCodec<K>, values: ValueFormat<V>) {
    this.#record = record
    this.#keys = keys
    this.#values = values
  }

  get key(): Uint8Array {
    return this.#keys.passingKeyOf(this.#record.key!)
  }

  get value(): Uint8Array | null {
    const record = this.#record
    const { value } = record
    return value === null ? null : this.#values.passingRow(value, record.timestamp, record)
  }
}

function newBatch(): Batch {
  return { writes: [], values: new Map(), indexed: 0, samples: new Map() }
}
