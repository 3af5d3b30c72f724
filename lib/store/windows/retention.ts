import type { Engine } from '../engine/engine.ts'
import type { WriteBatch } from '../engine/write-batch.ts'
import { storeMetadataKey, storeEntriesRange } from '../contract/store-name.ts'
import { doubleBytes, StoreMetadata } from '../memory/store-metadata.ts'
import type { TimedKeyCodec } from './timed-key-codec.ts'

/** Number of expired entries that is worth a pass of the engine over the range of their keys. */
const WORTH_CLEARING = 1_000
/** Length of the shortest segment in Kafka Streams, which removes whole segments. */
const INTERVAL_MS_MIN = 60_000

/**
 * The largest time put, and which entries it has ended: those up to it minus the retention. It is committed
 * with the entries, and the engine is cleared of entries that a committed time has ended, never of more: a
 * restore applies the same rule to the same records.
 */
export class Retention {
  readonly #retentionMs: number
  readonly #metadata: StoreMetadata
  readonly #entries: { readonly gte: Uint8Array; readonly lt: Uint8Array }
  readonly #codec: Pick<TimedKeyCodec<unknown>, 'engineBound'>
  readonly #engine: Engine
  #latestMs: number
  #sealedMs: number
  /** Time through which entries had expired for each batch on its way, oldest first. */
  readonly #staged: number[] = []
  #clearedThroughMs = -1
  #expiredSinceClear = 0

  constructor(
    settings: { readonly name: string; readonly retentionMs: number },
    codec: Pick<TimedKeyCodec<unknown>, 'engineBound'>,
    engine: Engine,
  ) {
    this.#retentionMs = settings.retentionMs
    this.#metadata = new StoreMetadata(storeMetadataKey(settings.name), doubleBytes(-1))
    this.#entries = storeEntriesRange(settings.name)
    this.#codec = codec
    this.#engine = engine
    this.#latestMs = this.#sealedMs = this.#metadata.load(engine)?.readDoubleBE(0) ?? -1
  }

  /** The largest time put, −1 before the first. */
  get latestMs(): number {
    return this.#latestMs
  }

  /** Entries of this time and before have expired. */
  get expiredThroughMs(): number {
    return this.#latestMs - this.#retentionMs
  }

  isNew(timeMs: number): boolean {
    return timeMs > this.#latestMs
  }

  /** Time through which entries will have expired once `timeMs`, which is new, has been put. */
  expiredThroughMsAt(timeMs: number): number {
    return timeMs - this.#retentionMs
  }

  /** Advances to this time; returns false where it is not new. */
  advance(timeMs: number): boolean {
    if (!this.isNew(timeMs)) return false
    this.#latestMs = timeMs
    return true
  }

  expired(): void {
    this.#expiredSinceClear += 1
  }

  /**
   * Clears the engine of entries that had expired when the store was closed. Returns the range of those left.
   */
  async load(): Promise<{ readonly gte: Uint8Array; readonly lt: Uint8Array }> {
    const throughMs = this.expiredThroughMs
    if (throughMs < 0) return this.#entries
    const gte = this.#codec.engineBound(throughMs + 1)
    await this.#engine.clear({ gte: this.#entries.gte, lt: gte })
    this.#clearedThroughMs = throughMs
    return { ...this.#entries, gte }
  }

  /** Makes the largest time part of the commit that begins. */
  seal(): void {
    if (this.#sealedMs === this.#latestMs) return
    this.#sealedMs = this.#latestMs
    this.#metadata.seal(doubleBytes(this.#sealedMs))
  }

  stage(batch: WriteBatch): void {
    this.#staged.push(this.#sealedMs - this.#retentionMs)
    this.#metadata.stage(batch)
  }

  /**
   * Clears the engine of entries that the oldest batch has ended, now that it is in the engine. No entry of
   * such a time is written any more.
   */
  staged(): void {
    const throughMs = this.#staged.shift() ?? -1
    if (throughMs <= this.#clearedThroughMs || this.#expiredSinceClear === 0) return
    const intervalMs = Math.max(this.#retentionMs / 2, INTERVAL_MS_MIN)
    if (this.#expiredSinceClear < WORTH_CLEARING && throughMs - this.#clearedThroughMs < intervalMs) return
    const range = {
      // The range begins where the last one ended: LevelDB would step over what it has removed before.
      gte: this.#codec.engineBound(this.#clearedThroughMs + 1),
      lt: this.#codec.engineBound(throughMs + 1),
    }
    this.#clearedThroughMs = throughMs
    this.#expiredSinceClear = 0
    // A failure is ignored: the engine clears in order with its writes, so the next write fails, too, and is
    // handled.
    this.#engine.clear(range).catch(() => undefined)
  }
}
