import { Buffer } from 'node:buffer'
import { MalformedError } from './malformed-error.ts'

/**
 * Cuts a stream of bytes into responses: four bytes of length, then so many bytes. Each response gets a
 * buffer of its own, since its records are handed out as slices of it.
 */
export class FrameReader {
  readonly #bytesMax: number
  readonly #sizeBytes = Buffer.alloc(4)
  #sizeRead = 0
  #frame: Buffer | undefined
  #filled = 0

  /** A longer response is refused before memory is taken for it. */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** Hands each response that the chunk completes to `onFrame`, without its length. */
  push(chunk: Buffer, onFrame: (frame: Buffer) => void): void {
    let at = 0
    while (at < chunk.length) {
      if (!this.#frame) {
        at = this.#readSize(chunk, at)
        continue
      }
      const taken = Math.min(chunk.length - at, this.#frame.length - this.#filled)
      chunk.copy(this.#frame, this.#filled, at, at + taken)
      at += taken
      this.#filled += taken
      if (this.#filled < this.#frame.length) return
      const frame = this.#frame
      this.#frame = undefined
      onFrame(frame)
    }
  }

  #readSize(chunk: Buffer, at: number): number {
    const taken = Math.min(4 - this.#sizeRead, chunk.length - at)
    chunk.copy(this.#sizeBytes, this.#sizeRead, at, at + taken)
    this.#sizeRead += taken
    if (this.#sizeRead < 4) return at + taken
    this.#sizeRead = 0
    const size = this.#sizeBytes.readInt32BE(0)
    // The shortest response is a correlation id. The alert of a TLS port, which a client without TLS gets,
    // reads as a length out of range.
    if (size < 4 || size > this.#bytesMax) {
      throw new MalformedError(`a response of ${size} bytes; 4 to ${this.#bytesMax} are expected`)
    }
    this.#frame = Buffer.allocUnsafeSlow(size)
    this.#filled = 0
    return at + taken
  }
}
