import type { Buffer } from 'node:buffer'
import type { Header } from '../../common/headers.ts'
import { isInBuffer, type RawSource, type RecordContext } from '../../common/record-context.ts'

/**
 * Contexts of records that a cache may hold for long, in columns: one object kept of every record would outlive the young generation of the heap,
 * which is what garbage collection costs most for, and writing at the end of a column touches no memory that is not in the processor's cache.
 */
export class ContextLog {
  readonly #topics: (string | undefined)[] = []
  readonly #partitions: number[] = []
  readonly #offsets: number[] = []
  readonly #timestamps: number[] = []
  readonly #headers: (readonly Header[])[] = []
  /** The source, or the buffer that it lies in at these places. */
  readonly #sources: (RawSource | Buffer | undefined)[] = []
  readonly #keyStarts: number[] = []
  readonly #keyEnds: number[] = []
  readonly #valueStarts: number[] = []
  readonly #valueEnds: number[] = []

  push({ topic, partition, offset, timestamp, headers, source }: RecordContext): void {
    this.#topics.push(topic)
    this.#partitions.push(partition)
    this.#offsets.push(offset)
    this.#timestamps.push(timestamp)
    this.#headers.push(headers)
    if (source !== undefined && isInBuffer(source)) {
      this.#sources.push(source.buffer)
      this.#keyStarts.push(source.keyStart)
      this.#keyEnds.push(source.keyEnd)
      this.#valueStarts.push(source.valueStart)
      this.#valueEnds.push(source.valueEnd)
      return
    }
    this.#sources.push(source)
    this.#keyStarts.push(0)
    this.#keyEnds.push(0)
    this.#valueStarts.push(0)
    this.#valueEnds.push(0)
  }

  /** Moves one to the end of another log. */
  move(index: number, to: ContextLog): void {
    to.#topics.push(this.#topics[index])
    to.#partitions.push(this.#partitions[index]!)
    to.#offsets.push(this.#offsets[index]!)
    to.#timestamps.push(this.#timestamps[index]!)
    to.#headers.push(this.#headers[index]!)
    to.#sources.push(this.#sources[index])
    to.#keyStarts.push(this.#keyStarts[index]!)
    to.#keyEnds.push(this.#keyEnds[index]!)
    to.#valueStarts.push(this.#valueStarts[index]!)
    to.#valueEnds.push(this.#valueEnds[index]!)
  }

  at(index: number): RecordContext {
    return {
      topic: this.#topics[index],
      partition: this.#partitions[index]!,
      offset: this.#offsets[index]!,
      timestamp: this.#timestamps[index]!,
      headers: this.#headers[index]!,
      source: this.#sourceAt(index),
    }
  }

  #sourceAt(index: number): RawSource | undefined {
    const source = this.#sources[index]
    if (!(source instanceof Uint8Array)) return source
    const [keyStart, keyEnd] = [this.#keyStarts[index]!, this.#keyEnds[index]!]
    const [valueStart, valueEnd] = [this.#valueStarts[index]!, this.#valueEnds[index]!]
    return new SourceSlices(source, keyStart, keyEnd, valueStart, valueEnd)
  }
}

/** Few ask for it: the slices are made for those. */
class SourceSlices implements RawSource {
  readonly #buffer: Buffer
  readonly #keyStart: number
  readonly #keyEnd: number
  readonly #valueStart: number
  readonly #valueEnd: number

  constructor(buffer: Buffer, keyStart: number, keyEnd: number, valueStart: number, valueEnd: number) {
    this.#buffer = buffer
    this.#keyStart = keyStart
    this.#keyEnd = keyEnd
    this.#valueStart = valueStart
    this.#valueEnd = valueEnd
  }

  get key(): Uint8Array | null {
    return slice(this.#buffer, this.#keyStart, this.#keyEnd)
  }

  get value(): Uint8Array | null {
    return slice(this.#buffer, this.#valueStart, this.#valueEnd)
  }
}

function slice(buffer: Buffer, start: number, end: number): Uint8Array | null {
  return end < start ? null : buffer.subarray(start, end)
}
