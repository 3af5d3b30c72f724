import type { Buffer } from 'node:buffer'
import { isInBuffer, type RawSource, type SourceInBuffer } from '../../common/record-context.ts'

/**
 * The source of a record that a cache may hold for long: where it lies, in fields that are written over with each record of the key. An object kept of
 * every record would outlive the young generation of the heap, which is what garbage collection costs most for.
 */
export class KeptSource implements RawSource {
  #whole: RawSource | undefined
  #buffer: Buffer | undefined
  #keyStart = 0
  #keyEnd = 0
  #valueStart = 0
  #valueEnd = 0

  get isThere(): boolean {
    return this.#whole !== undefined || this.#buffer !== undefined
  }

  get key(): Uint8Array | null {
    return this.#buffer ? slice(this.#buffer, this.#keyStart, this.#keyEnd) : (this.#whole?.key ?? null)
  }

  get value(): Uint8Array | null {
    return this.#buffer ? slice(this.#buffer, this.#valueStart, this.#valueEnd) : (this.#whole?.value ?? null)
  }

  keep(source: RawSource | undefined): void {
    if (source !== undefined && isInBuffer(source)) this.#keepPlace(source)
    else {
      this.#whole = source
      this.#buffer = undefined
    }
  }

  #keepPlace({ buffer, keyStart, keyEnd, valueStart, valueEnd }: SourceInBuffer): void {
    this.#whole = undefined
    this.#buffer = buffer
    this.#keyStart = keyStart
    this.#keyEnd = keyEnd
    this.#valueStart = valueStart
    this.#valueEnd = valueEnd
  }
}

function slice(buffer: Buffer, start: number, end: number): Uint8Array | null {
  return end < start ? null : buffer.subarray(start, end)
}
