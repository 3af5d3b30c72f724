import { Buffer } from 'node:buffer'

const SLAB_BYTES_MIN = 4 * 1024

/** Buffers that batches are written into, for reuse: allocating one costs as much as filling it. */
export class SlabPool {
  readonly #bytesMax: number
  /** Free buffers, by the logarithm of their size. */
  readonly #free: Buffer[][] = []
  #freeBytes = 0

  /** `bytesMax` limits the free buffers that are kept. */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  take(bytesMin: number): Buffer {
    const power = powerOf(bytesMin)
    const slab = this.#free[power]?.pop()
    if (!slab) return Buffer.allocUnsafeSlow(2 ** power)
    this.#freeBytes -= slab.length
    return slab
  }

  give(slab: Buffer): void {
    if (this.#freeBytes + slab.length > this.#bytesMax) return
    this.#freeBytes += slab.length
    ;(this.#free[powerOf(slab.length)] ??= []).push(slab)
  }
}

function powerOf(bytes: number): number {
  return 32 - Math.clz32(Math.max(bytes, SLAB_BYTES_MIN) - 1)
}
