import type { Chunk } from './chunk.ts'

/** What a decoded record costs beyond its bytes: the object, and the framing. */
const RECORD_OVERHEAD_BYTES = 120

/** Recently used chunks of a durable broker keep their records in memory, all together under `bytesMax`. */
export class ChunkCache {
  readonly #bytesMax: number
  readonly #chunks = new Set<Chunk>()
  #bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** The chunk, whose records are on disk as well, becomes the youngest; the oldest lose theirs. */
  use(chunk: Chunk): void {
    if (this.#chunks.delete(chunk)) {
      this.#chunks.add(chunk)
      return
    }
    this.#chunks.add(chunk)
    this.#bytes += weight(chunk)
    for (const oldest of this.#chunks) {
      if (this.#bytes <= this.#bytesMax || oldest === chunk) break
      this.forget(oldest)
    }
  }

  forget(chunk: Chunk): void {
    if (!this.#chunks.delete(chunk)) return
    this.#bytes -= weight(chunk)
    chunk.records = undefined
  }
}

function weight(chunk: Chunk): number {
  return chunk.bytes + chunk.count * RECORD_OVERHEAD_BYTES
}
