import { Buffer } from 'node:buffer'

/** Views of longer pieces are not kept: what they cost to make is little beside their bytes. */
const KEPT_LENGTH_MAX = 1024

/**
 * Memory for bytes of which one piece at a time is needed. Grows with the longest; the views of short ones
 * are kept by their length, since making a view takes longer than filling it.
 */
export class ScratchBytes {
  readonly #prefix: Uint8Array
  #bytes: Buffer
  #views: Buffer[] = []
  #tails: Buffer[] = []
  #length = 0

  /** `prefix`: what every piece begins with. */
  constructor(prefix: Uint8Array = new Uint8Array(0)) {
    this.#prefix = prefix
    this.#bytes = this.#newBytes(prefix.length + 128)
  }

  /** Valid until the next call. Its length includes that of the prefix. */
  ofLength(length: number): Buffer {
    this.#length = length
    return this.#views[length] ?? this.#newView(length)
  }

  /** What the last piece has behind the prefix. */
  get behindPrefix(): Buffer {
    const length = this.#length
    return this.#tails[length] ?? this.#newTail(length)
  }

  #newView(length: number): Buffer {
    if (length > this.#bytes.length) {
      this.#bytes = this.#newBytes(2 * length)
      this.#views = []
      this.#tails = []
    }
    const view = this.#bytes.subarray(0, length)
    if (length <= KEPT_LENGTH_MAX) this.#views[length] = view
    return view
  }

  #newTail(length: number): Buffer {
    const tail = this.#bytes.subarray(this.#prefix.length, length)
    if (length <= KEPT_LENGTH_MAX) this.#tails[length] = tail
    return tail
  }

  #newBytes(length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length)
    bytes.set(this.#prefix)
    return bytes
  }
}
