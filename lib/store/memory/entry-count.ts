import type { Engine } from '../engine/engine.ts'
import type { WriteBatch } from '../engine/write-batch.ts'
import { doubleBytes, StoreMetadata } from './store-metadata.ts'

const EXACT_LOOK_UPS = 10_000
const SAMPLE = 64

/**
 * How many entries a store without a key index has: kept across restarts in the engine, beside the entries. A
 * write to a key that nobody has read may add an entry or replace one; the first of them look into the
 * engine, later ones one in 64, for all 64.
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
   * For a key that is written without having been read: for how many of these it stands; 0: it need not be
   * looked up.
   */
  blindWriteWeight(): number {
    this.#blindWrites += 1
    if (this.#blindWrites <= EXACT_LOOK_UPS) return 1
    return this.#blindWrites % SAMPLE === 0 ? SAMPLE : 0
  }

  /**
   * As `blindWriteWeight`, for a key that a restore writes. After the first, the same keys each time: what
   * became of those few is easily kept.
   */
  restoredWeight(bytes: Uint8Array, keyStart: number, keyEnd: number): number {
    this.#blindWrites += 1
    if (this.#blindWrites <= EXACT_LOOK_UPS) return 1
    return hashOf(bytes, keyStart, keyEnd) % SAMPLE === 0 ? SAMPLE : 0
  }

  /**
   * Writes the number with the store's next batch, if it has changed. `exact` is that of the key index, where
   * there is one.
   */
  stage(batch: WriteBatch, exact: number | undefined): void {
    if (exact !== undefined) this.#count = exact
    this.#metadata.seal(doubleBytes(this.#count))
    this.#metadata.stage(batch)
  }
}

/** FNV-1a, mixed. Not murmur2, which chose the partition: all keys here may have bits of that in common. */
function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5
  for (let at = start; at < end; at += 1) hash = Math.imul(hash ^ bytes[at]!, 0x01000193)
  return (hash ^ (hash >>> 15)) >>> 0
}
