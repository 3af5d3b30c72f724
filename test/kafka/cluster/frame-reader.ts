import { Buffer } from 'node:buffer'

const LENGTH_BYTES = 4

/** Cuts a stream of Kafka's protocol into its frames: a length of four bytes, and as many bytes. */
export class FrameReader {
  readonly #take: (frame: Buffer) => void
  #chunks: Buffer[] = []
  #size = 0

  /** `take` gets each frame whole, its length included. */
  constructor(take: (frame: Buffer) => void) {
    this.#take = take
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#size += chunk.length
    for (;;) {
      const length = this.#nextLength()
      if (length === undefined || this.#size < length) return
      const all = Buffer.concat(this.#chunks)
      this.#chunks = [all.subarray(length)]
      this.#size -= length
      this.#take(all.subarray(0, length))
    }
  }

  #nextLength(): number | undefined {
    if (this.#size < LENGTH_BYTES) return undefined
    if (this.#chunks[0]!.length < LENGTH_BYTES) this.#chunks = [Buffer.concat(this.#chunks)]
    return LENGTH_BYTES + this.#chunks[0]!.readInt32BE(0)
  }
}
