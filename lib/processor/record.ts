import { Headers, NO_HEADERS, type Header } from '../common/headers.ts'
import { invalidTimestamp, isTimestamp } from '../common/timestamps.ts'

/**
 * A record on its way through processors: typed key and value, time in milliseconds since the epoch, headers.
 * Immutable but for its headers; `with…` makes a copy (KIP-478).
 */
export class Record<K, V> {
  readonly key: K
  readonly value: V
  readonly timestamp: number
  #headers: Headers | readonly Header[]

  /**
   * `timestamp`: a whole number of milliseconds, 0 or more; a Date or a bigint throws `INVALID_TIMESTAMP`.
   * `headers`: those of the record from now on, or a list that they begin with.
   */
  constructor(key: K, value: V, timestamp: number, headers: Headers | readonly Header[] = NO_HEADERS) {
    // As in Kafka Streams: a processor that makes a negative time has a bug, and no broker takes the record.
    // What is no whole number would be rounded on its way to disk.
    if (!isTimestamp(timestamp)) throw invalidTimestamp('a record cannot have as its timestamp', timestamp)
    this.key = key
    this.value = value
    this.timestamp = timestamp
    this.#headers = headers
  }

  /** Made at the first call, for most records nobody asks. */
  get headers(): Headers {
    if (!(this.#headers instanceof Headers)) this.#headers = new Headers(this.#headers)
    return this.#headers
  }

  /** As `headers.toArray()`: not to be changed, since other records may share it. */
  get headerList(): readonly Header[] {
    return this.#headers instanceof Headers ? this.#headers.toArray() : this.#headers
  }

  withKey<NK>(key: NK): Record<NK, V> {
    return new Record(key, this.value, this.timestamp, this.headerList)
  }

  withValue<NV>(value: NV): Record<K, NV> {
    return new Record(this.key, value, this.timestamp, this.headerList)
  }

  withTimestamp(timestamp: number): Record<K, V> {
    return new Record(this.key, this.value, timestamp, this.headerList)
  }

  withHeaders(headers: Headers): Record<K, V> {
    return new Record(this.key, this.value, this.timestamp, headers.toArray())
  }
}
