import { Buffer } from 'node:buffer'

/** Length up to which views are kept: the cost of a longer one is small beside that of its bytes. */
const KEPT_LENGTH_MAX = 1024

/**
 * Memory for one piece of bytes at a time. It grows with the longest; the views of short ones are kept by
 * their length, since making a view takes longer than filling it.
 */
export class ScratchBytes {
  readonly #prefix: Uint8Array
  #bytes: Buffer
  #views: Buffer[] = []
  #tails: Buffer[] = []
  #length = 0

  /** `prefix`: first bytes of every piece. */
  constructor(prefix: Uint8Array = new Uint8Array(0)) {
    this.#prefix = prefix
    this.#bytes = this.#newBytes(prefix.length + 128)
  }

  /** A piece of that length, the prefix included. Valid until the next call. */
  ofLength(length: number): Buffer {
    this.#length = length
    return this.#views[length] ?? this.#newView(length)
  }

  /** The part of the last piece behind the prefix. */
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
