import { Buffer } from 'node:buffer'

const SLAB_BYTES = 64 * 1024
const OWN_SLAB_BYTES = 8 * 1024

/**
 * Memory for the bytes of many small records: a slab is far cheaper than an allocation each. A slab lives as
 * long as one record in it, so an arena's records should be dropped together, as those of neighbouring chunks
 * are.
 */
export class Arena {
  /** Where the last reservation lies. */
  slab = Buffer.allocUnsafeSlow(SLAB_BYTES)
  #shared = this.slab
  #used = 0

  /** Makes room in `slab` and returns where it begins. A large record gets a slab of its own, of its size. */
  reserve(length: number): number {
    if (length > OWN_SLAB_BYTES) {
      this.slab = Buffer.allocUnsafeSlow(length)
      return 0
    }
    if (this.#used + length > SLAB_BYTES) {
      this.#shared = Buffer.allocUnsafeSlow(SLAB_BYTES)
      this.#used = 0
    }
    this.slab = this.#shared
    const start = this.#used
    this.#used += length
    return start
  }
}
