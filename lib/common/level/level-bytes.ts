import type { Buffer } from 'node:buffer'
import { DamageFound } from './damage-found.ts'

/** Reads LevelDB's encodings out of one piece of a file; beyond its end they are damage. */
export class LevelBytes {
  readonly #bytes: Buffer
  readonly #file: string
  at = 0

  constructor(bytes: Buffer, file: string) {
    this.#bytes = bytes
    this.#file = file
  }

  get isAtEnd(): boolean {
    return this.at >= this.#bytes.length
  }

  /** Reads a `varint32` or `varint64`. Numbers beyond 2^53 do not occur, since LevelDB counts from 0. */
  varint(): number {
    let value = 0
    for (let factor = 1; ; factor *= 128) {
      const byte = this.#bytes[this.at]
      if (byte === undefined || factor > Number.MAX_SAFE_INTEGER) throw this.#cut()
      this.at += 1
      value += (byte & 127) * factor
      if (byte < 128) return value
    }
  }

  fixed64(): number {
    const low = this.fixed32()
    return low + this.fixed32() * 2 ** 32
  }

  fixed32(): number {
    const { at } = this
    this.skip(4)
    return this.#bytes.readUInt32LE(at)
  }

  skip(bytes: number): void {
    this.at += bytes
    if (this.at > this.#bytes.length) throw this.#cut()
  }

  #cut(): DamageFound {
    return new DamageFound(`${this.#file} makes no sense`)
  }
}
