/** One record header. The same key may occur several times; a null value is not an empty one. */
export interface Header {
  readonly key: string
  readonly value: Uint8Array | null
}

const NONE: readonly Header[] = Object.freeze([])

/** The headers of a record without any, shared. */
export const NO_HEADERS: readonly Header[] = NONE

/**
 * The headers of a record as user code sees them: ordered and mutable, as in Kafka Streams, where a processor
 * adds to `record.headers`. Copies are taken on the first write, so handing headers from record to record
 * costs nothing.
 */
export class Headers {
  #items: readonly Header[]

  constructor(items: readonly Header[] = NONE) {
    this.#items = items
  }

  get size(): number {
    return this.#items.length
  }

  add(key: string, value: Uint8Array | null): this {
    this.#items = [...this.#items, { key, value }]
    return this
  }

  /** Removes every header of that key. */
  remove(key: string): this {
    if (this.#items.some(header => header.key === key)) {
      this.#items = this.#items.filter(header => header.key !== key)
    }
    return this
  }

  clear(): this {
    this.#items = NONE
    return this
  }

  last(key: string): Header | undefined {
    return this.#items.findLast(header => header.key === key)
  }

  all(key: string): readonly Header[] {
    return this.#items.filter(header => header.key === key)
  }

  /** All headers, not to be changed: other records may share the array. */
  toArray(): readonly Header[] {
    return this.#items
  }

  copy(): Headers {
    return new Headers(this.#items)
  }

  [Symbol.iterator](): Iterator<Header> {
    return this.#items[Symbol.iterator]()
  }
}
