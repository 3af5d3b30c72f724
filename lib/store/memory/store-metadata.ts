import { Buffer } from 'node:buffer'
import { asBuffer, equalBytes } from '../../common/bytes.ts'
import type { Engine } from '../engine/engine.ts'
import type { WriteBatch } from '../engine/write-batch.ts'

/**
 * What a store keeps in the engine about itself, beside its entries: sealed where an epoch ends, and written
 * with the entries of that epoch where it has changed. The changelog does not carry it. After a commit that
 * failed the store is made anew, and loads what the last one has written.
 */
export class StoreMetadata {
  readonly #key: Uint8Array
  #written: Uint8Array | null
  #sealed: Uint8Array | null

  /** `initial`: the value before anything is written, which so needs no writing. */
  constructor(key: Uint8Array, initial: Uint8Array | null = null) {
    this.#key = key
    this.#sealed = this.#written = initial
  }

  /** The value of the last commit, else the initial one. */
  load(engine: Engine): Buffer | null {
    this.#sealed = this.#written = engine.get(this.#key) ?? this.#written
    return this.#written && asBuffer(this.#written)
  }

  /** Sets the value of the epoch that ends. The caller must not write to these bytes afterwards. */
  seal(value: Uint8Array): void {
    this.#sealed = value
  }

  stage(batch: WriteBatch): void {
    if (this.#sealed === null || equalBytes(this.#sealed, this.#written)) return
    this.#written = this.#sealed
    batch.put(this.#key, this.#sealed)
  }
}

/** The bytes of a number, as a value of metadata. */
export function doubleBytes(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(8)
  bytes.writeDoubleBE(value, 0)
  return bytes
}
