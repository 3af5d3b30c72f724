import type { EngineWrite } from '../engine/engine.ts'

interface Batch {
  readonly writes: EngineWrite[]
  /** Of the first `indexed` writes, made when somebody reads. */
  readonly values: Map<string, Uint8Array | null>
  indexed: number
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

  add(key: Uint8Array, value: Uint8Array | null): void {
    this.#open.writes.push({ key, value })
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

  get #open(): Batch {
    return this.#batches[this.#batches.length - 1]!
  }

  #indexed(batch: Batch): ReadonlyMap<string, Uint8Array | null> {
    for (; batch.indexed < batch.writes.length; batch.indexed += 1) {
      const { key, value } = batch.writes[batch.indexed]!
      batch.values.set(this.#idOfEngineKey(key), value)
    }
    return batch.values
  }
}

function newBatch(): Batch {
  return { writes: [], values: new Map(), indexed: 0 }
}
