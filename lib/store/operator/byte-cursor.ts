import { Buffer } from 'node:buffer'
import { asBuffer, copyBytes } from '../../common/bytes.ts'
import { StreamsError } from '../../common/errors/errors.ts'

const INT64_MAX = 2n ** 63n - 1n

/**
 * Reads the fields of a format one after the other. Throws `MALFORMED_SUPPRESSION` where there are none left.
 */
export class ByteCursor {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = asBuffer(bytes)
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length
  }

  int32(): number {
    return this.#bytes.readInt32BE(this.#move(4))
  }

  /** A 64-bit integer. The largest, which stands for the end of an unlimited window, comes out as 2^63. */
  int64(): number {
    return Number(this.#bytes.readBigInt64BE(this.#move(8)))
  }

  /** That many bytes, in memory of their own. */
  take(length: number): Uint8Array {
    const at = this.#move(length)
    return copyBytes(this.#bytes.subarray(at, at + length))
  }

  /** Bytes with their length before them; null where that is negative. */
  sized(): Uint8Array | null {
    const length = this.int32()
    return length < 0 ? null : this.take(length)
  }

  #move(length: number): number {
    const at = this.#at
    if (at + length > this.#bytes.length) throw malformedSuppression(`it ends before byte ${at + length}`)
    this.#at = at + length
    return at
  }
}

export function int32Bytes(value: number): Uint8Array {
  const bytes = Buffer.allocUnsafe(4)
  bytes.writeInt32BE(value, 0)
  return bytes
}

export function int64Bytes(value: number): Uint8Array {
  const bytes = Buffer.allocUnsafe(8)
  const whole = BigInt(value)
  bytes.writeBigInt64BE(whole > INT64_MAX ? INT64_MAX : whole, 0)
  return bytes
}

export function malformedSuppression(what: string): StreamsError {
  return new StreamsError(
    'MALFORMED_SUPPRESSION',
    `a record in the changelog of a suppression cannot be read, since ${what}: has the topic records of another program, or of a newer version?`,
  )
}
