const SLAB_BYTES = 64 * 1024
const OWN_BYTES = 8 * 1024

/**
 * Copies small byte strings into shared slabs: far cheaper than an allocation each. A slab lives as long as one copy in it, so
 * the copies of one arena should be dropped together, as those of neighbouring chunks are.
 */
export class Arena {
  #slab = new ArrayBuffer(SLAB_BYTES)
  #bytes = new Uint8Array(this.#slab)
  #used = 0

  copy(bytes: Uint8Array): Uint8Array {
    const { length } = bytes
    if (length > OWN_BYTES) return new Uint8Array(bytes)
    if (this.#used + length > SLAB_BYTES) this.#renew()
    const start = this.#used
    this.#used += length
    copyInto(this.#bytes, start, bytes)
    return new Uint8Array(this.#slab, start, length)
  }

  #renew(): void {
    this.#slab = new ArrayBuffer(SLAB_BYTES)
    this.#bytes = new Uint8Array(this.#slab)
    this.#used = 0
  }
}

/** A loop beats `set` on short keys, where the call costs more than the bytes. */
function copyInto(target: Uint8Array, start: number, bytes: Uint8Array): void {
  if (bytes.length > 48) return target.set(bytes, start)
  for (let index = 0; index < bytes.length; index++) target[start + index] = bytes[index] as number
}
