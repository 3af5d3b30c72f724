import { Buffer } from 'node:buffer'
import { asBuffer } from '../../common/bytes.ts'
import type { Engine } from '../engine/engine.ts'
import type { WriteBatch } from '../engine/write-batch.ts'

/**
 * A time that a store notes in the engine with each commit, apart from its entries; an abort takes it back.
 * The changelog does not carry it.
 */
export class NotedTime {
  readonly #key: Uint8Array
  ms = Infinity
  #sealedMs: number | undefined
  #notedMs: number | undefined

  constructor(key: Uint8Array) {
    this.#key = key
  }

  /** Where there is none, the time stays as it is. */
  load(engine: Engine): void {
    const bytes = engine.get(this.#key)
    if (bytes === undefined) return
    this.ms = asBuffer(bytes).readDoubleBE(0)
    this.#notedMs = this.ms
  }

  /** Ends the epoch: what comes after belongs to the next commit. */
  seal(): void {
    this.#sealedMs = this.ms
  }

  stage(batch: WriteBatch): void {
    if (this.#sealedMs === undefined || this.#sealedMs === this.#notedMs) return
    this.#notedMs = this.#sealedMs
    const value = Buffer.allocUnsafe(8)
    value.writeDoubleBE(this.#sealedMs, 0)
    batch.put(this.#key, value)
  }
}
