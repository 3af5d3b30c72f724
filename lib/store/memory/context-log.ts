import type { Buffer } from 'node:buffer'
import type { Header } from '../../common/headers.ts'
import { isInBuffer, type RawSource, type RecordContext } from '../../common/record-context.ts'

/** Parts of a context that consecutive records mostly share. */
interface Origin {
  readonly topic: string | undefined
  readonly partition: number
  readonly headers: readonly Header[]
  /** The record's source, or the buffer that its source lies in. */
  readonly source: RawSource | Buffer | undefined
}

const NOWHERE: Origin = { topic: undefined, partition: -1, headers: [], source: undefined }
const CAPACITY_MIN = 64
/** Numbers a context has in the list of times: offset and timestamp. */
const TIMES = 2
/** Numbers a context has in the list of places: its origin; start and end of key and value in its buffer. */
const PLACES = 5

/**
 * Contexts of records that a cache may hold for long, as numbers side by side: one object kept of every
 * record would outlive the young generation of the heap, which is what garbage collection costs most for, and
 * writing at the end touches no memory that is not in the processor's cache.
 */
export class ContextLog {
  #times = new Float64Array(TIMES * CAPACITY_MIN)
  #places = new Int32Array(PLACES * CAPACITY_MIN)
  #origins: Origin[] = []
  #last = NOWHERE
  #length = 0

  push({ topic, partition, offset, timestamp, headers, source }: RecordContext): void {
    if (source !== undefined && isInBuffer(source)) {
      const { buffer, keyStart, keyEnd, valueStart, valueEnd } = source
      this.#add(topic, partition, headers, buffer, offset, timestamp)
      this.#setPlaces(keyStart, keyEnd, valueStart, valueEnd)
    } else this.#add(topic, partition, headers, source, offset, timestamp)
  }

  /** Moves a context to the end of another log. */
  move(index: number, to: ContextLog): void {
    const at = PLACES * index
    const places = this.#places
    const { topic, partition, headers, source } = this.#origins[places[at]!]!
    const [offset, timestamp] = [this.#times[TIMES * index]!, this.#times[TIMES * index + 1]!]
    to.#add(topic, partition, headers, source, offset, timestamp)
    to.#setPlaces(places[at + 1]!, places[at + 2]!, places[at + 3]!, places[at + 4]!)
  }

  at(index: number): RecordContext {
    const { topic, partition, headers } = this.#origins[this.#places[PLACES * index]!]!
    return {
      topic,
      partition,
      offset: this.#times[TIMES * index]!,
      timestamp: this.#times[TIMES * index + 1]!,
      headers,
      source: this.#sourceAt(index),
    }
  }

  /** Removes all contexts, and keeps the memory for the next ones. */
  clear(): void {
    this.#origins = []
    this.#last = NOWHERE
    this.#length = 0
  }

  #add(
    topic: string | undefined,
    partition: number,
    headers: readonly Header[],
    source: RawSource | Buffer | undefined,
    offset: number,
    timestamp: number,
  ): void {
    const last = this.#last
    const isSame =
      source === last.source &&
      partition === last.partition &&
      topic === last.topic &&
      headers === last.headers &&
      this.#length > 0
    if (!isSame) this.#origins.push((this.#last = { topic, partition, headers, source }))
    const index = this.#length
    if (TIMES * index === this.#times.length) this.#grow()
    this.#times[TIMES * index] = offset
    this.#times[TIMES * index + 1] = timestamp
    this.#places[PLACES * index] = this.#origins.length - 1
    this.#length = index + 1
  }

  /** Sets the places of the last context. */
  #setPlaces(keyStart: number, keyEnd: number, valueStart: number, valueEnd: number): void {
    const places = this.#places
    const at = PLACES * (this.#length - 1)
    places[at + 1] = keyStart
    places[at + 2] = keyEnd
    places[at + 3] = valueStart
    places[at + 4] = valueEnd
  }

  #grow(): void {
    const [times, places] = [this.#times, this.#places]
    this.#times = new Float64Array(2 * times.length)
    this.#times.set(times)
    this.#places = new Int32Array(2 * places.length)
    this.#places.set(places)
  }

  #sourceAt(index: number): RawSource | undefined {
    const places = this.#places
    const at = PLACES * index
    const { source } = this.#origins[places[at]!]!
    if (!(source instanceof Uint8Array)) return source
    return new SourceSlices(source, places[at + 1]!, places[at + 2]!, places[at + 3]!, places[at + 4]!)
  }
}

/** A source that makes its slices when they are asked for, which is seldom. */
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
