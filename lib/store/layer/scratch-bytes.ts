import { Buffer } from 'node:buffer'

/** Of longer pieces no view is kept: what they cost to make is little beside their bytes. */
const KEPT_LENGTH_MAX = 1024

/**
 * Memory for bytes of which one piece at a time is needed. Grows with the longest; the views of short ones are kept by their length, since
 * making a view takes longer than filling it.
 */
export class ScratchBytes {
  readonly #prefix: Uint8Array
  #bytes: Buffer
  #views: Buffer[] = []

  /** `prefix`: what every piece begins with. */
  constructor(prefix: Uint8Array = new Uint8Array(0)) {
    this.#prefix = prefix
    this.#bytes = this.#newBytes(prefix.length + 128)
  }

  /** Valid until the next call. Its length includes that of the prefix. */
  ofLength(length: number): Buffer {
    return this.#views[length] ?? this.#newView(length)
  }

  #newView(length: number): Buffer {
    if (length > this.#bytes.length) {
      this.#bytes = this.#newBytes(2 * length)
      this.#views = []
    }
    const view = this.#bytes.subarray(0, length)
    if (length <= KEPT_LENGTH_MAX) this.#views[length] = view
    return view
  }

  #newBytes(length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length)
    bytes.set(this.#prefix)
    return bytes
  }
}
