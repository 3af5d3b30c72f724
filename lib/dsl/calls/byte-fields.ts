import { Buffer } from 'node:buffer'
import { asBuffer } from '../../common/bytes.ts'
import { StreamsError } from '../../common/errors/errors.ts'

/** Adds the field: its length, −1 for null, and its bytes. */
export function putBytes(parts: Uint8Array[], bytes: Uint8Array | null): void {
  const length = Buffer.allocUnsafe(4)
  length.writeInt32BE(bytes === null ? -1 : bytes.length)
  parts.push(length)
  if (bytes !== null) parts.push(bytes)
}

/** Reads what `putBytes` wrote, one after the other. Throws `MALFORMED_INPUT` where it is cut short. */
export class FieldReader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = asBuffer(bytes)
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length
  }

  take(length: number): Buffer {
    const end = this.#at + length
    if (end > this.#bytes.length) {
      throw new StreamsError(
        'MALFORMED_INPUT',
        'an input that waits is cut short: its changelog holds something else',
      )
    }
    const taken = this.#bytes.subarray(this.#at, end)
    this.#at = end
    return taken
  }

  /** What has not been read. */
  get rest(): Uint8Array {
    return this.#bytes.subarray(this.#at)
  }

  bytes(): Uint8Array | null {
    const length = this.take(4).readInt32BE(0)
    return length < 0 ? null : this.take(length)
  }
}
