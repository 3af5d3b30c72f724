import type { Engine } from '../engine/engine.ts'
import type { WriteBatch } from '../engine/write-batch.ts'
import { doubleBytes, StoreMetadata } from './store-metadata.ts'

const EXACT_LOOK_UPS = 10_000
const SAMPLE = 64

/**
 * How many entries a store without a key index has: kept across restarts in the engine, beside the entries. A
 * write to a key that nobody has read may add an entry or replace one: the engine is asked for the first
 * 10,000 such keys, later for one in 64, which stands for all 64.
 */
export class EntryCount {
  readonly #metadata: StoreMetadata
  #count: number
  #blindWrites = 0

  /** `key`: where the engine keeps the number. */
  constructor(key: Uint8Array, engine: Engine) {
    this.#metadata = new StoreMetadata(key, doubleBytes(0))
    this.#count = this.#metadata.load(engine)?.readDoubleBE(0) ?? 0
  }

  get value(): number {
    return Math.max(0, this.#count)
  }

  changed(by: number): void {
    this.#count += by
  }

  /**
   * Counts a write to a key that was not read. Returns how many such keys this one stands for; 0: the engine
   * need not be asked.
   */
  blindWriteWeight(): number {
    this.#blindWrites += 1
    if (this.#blindWrites <= EXACT_LOOK_UPS) return 1
    return this.#blindWrites % SAMPLE === 0 ? SAMPLE : 0
  }

  /**
   * The weight (`blindWriteWeight`) of a key that a restore writes. Later keys are sampled by their hash, so
   * that all writes of one key are in the sample or none is.
   */
  restoredWeight(bytes: Uint8Array, keyStart: number, keyEnd: number): number {
    this.#blindWrites += 1
    if (this.#blindWrites <= EXACT_LOOK_UPS) return 1
    return hashOf(bytes, keyStart, keyEnd) % SAMPLE === 0 ? SAMPLE : 0
  }

  /**
   * Writes the number with the store's next batch, if it has changed. `exact` is the number of the key index,
   * where there is one.
   */
  stage(batch: WriteBatch, exact: number | undefined): void {
    if (exact !== undefined) this.#count = exact
    this.#metadata.seal(doubleBytes(this.#count))
    this.#metadata.stage(batch)
  }
}

/**
 * FNV-1a, mixed. Not murmur2, which chose the partition: all keys here may share bits of their murmur2 hash.
 */
function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5
  for (let at = start; at < end; at += 1) hash = Math.imul(hash ^ bytes[at]!, 0x01000193)
  return (hash ^ (hash >>> 15)) >>> 0
}
