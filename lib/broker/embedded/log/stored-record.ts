import type { Buffer } from 'node:buffer'
import type { Header } from '../../../common/headers.ts'
import { NO_HEADERS } from '../../../common/headers.ts'
import type { OutgoingRecord, RawRecord } from '../../broker.ts'
import { copyInto } from '../../../common/bytes.ts'
import type { Arena } from './arena.ts'

export const NULL_LENGTH = -1

/**
 * A record as a log holds it. Key and value are made when they are asked for: the two views cost more time
 * and memory than all the rest, and many records are never read, or read again only when they are no longer
 * in memory. Never spread it.
 */
export class StoredRecord implements RawRecord {
  readonly timestamp: number
  readonly headers: readonly Header[]
  /** Given by the log, after which nobody changes the record. */
  offset: number
  /** A `Buffer`, so that its views are: text is read from them without another view. */
  readonly #slab: Buffer
  readonly #start: number
  readonly #keyLength: number
  readonly #valueLength: number

  constructor(
    slab: Buffer,
    start: number,
    keyLength: number,
    valueLength: number,
    timestamp: number,
    offset: number,
    headers: readonly Header[],
  ) {
    this.#slab = slab
    this.#start = start
    this.#keyLength = keyLength
    this.#valueLength = valueLength
    this.timestamp = timestamp
    this.offset = offset
    this.headers = headers
  }

  get key(): Uint8Array | null {
    return this.#view(this.#start, this.#keyLength)
  }

  get value(): Uint8Array | null {
    return this.#view(this.#start + Math.max(this.#keyLength, 0), this.#valueLength)
  }

  get keyLength(): number {
    return this.#keyLength
  }

  get valueLength(): number {
    return this.#valueLength
  }

  /** What counts against size limits: key, value and headers, not the framing. */
  get bytes(): number {
    const bytes = this.contentBytes
    return this.headers.length === 0 ? bytes : bytes + headerBytes(this.headers)
  }

  /** Length of key and value. */
  get contentBytes(): number {
    return Math.max(this.#keyLength, 0) + Math.max(this.#valueLength, 0)
  }

  /** Writes key and value, one behind the other. */
  copyContent(target: Uint8Array, at: number): void {
    copyInto(target, at, this.#slab.subarray(this.#start, this.#start + this.contentBytes))
  }

  /** FNV-1a over the key's bytes, read where they lie. Only for a record with a key. */
  keyHash(): number {
    const slab = this.#slab
    const end = this.#start + this.#keyLength
    let hash = 0x811c9dc5
    for (let at = this.#start; at < end; at++) hash = Math.imul(hash ^ (slab[at] as number), 0x01000193)
    // The low bits choose a slot; those of keys that differ in one digit would lie side by side.
    return hash ^ (hash >>> 15)
  }

  keyEquals(bytes: Uint8Array, start: number, end: number): boolean {
    if (end - start !== this.#keyLength) return false
    const slab = this.#slab
    const shift = this.#start - start
    for (let at = start; at < end; at++) if (bytes[at] !== slab[at + shift]) return false
    return true
  }

  copyKey(target: Uint8Array, at: number): void {
    copyInto(target, at, this.#slab.subarray(this.#start, this.#start + this.#keyLength))
  }

  #view(start: number, length: number): Buffer | null {
    if (length === NULL_LENGTH) return null
    return this.#slab.subarray(start, start + length)
  }
}

/**
 * Copies the bytes, since a sender may reuse them after the next flush, and a small slice would keep a large
 * buffer.
 */
export function storedRecord({ key, value, timestamp, headers }: OutgoingRecord, arena: Arena): StoredRecord {
  const keyLength = key ? key.length : NULL_LENGTH
  const valueLength = value ? value.length : NULL_LENGTH
  const start = arena.reserve(Math.max(keyLength, 0) + Math.max(valueLength, 0))
  const { slab } = arena
  if (key) copyInto(slab, start, key)
  if (value) copyInto(slab, start + Math.max(keyLength, 0), value)
  const copied = headers.length === 0 ? NO_HEADERS : headers.map(copiedHeader)
  return new StoredRecord(slab, start, keyLength, valueLength, timestamp, -1, copied)
}

export function recordBytes({ key, value, headers }: OutgoingRecord): number {
  const bytes = (key ? key.length : 0) + (value ? value.length : 0)
  return headers.length === 0 ? bytes : bytes + headerBytes(headers)
}

function headerBytes(headers: readonly Header[]): number {
  return headers.reduce((sum, { key, value }) => sum + key.length + (value ? value.length : 0), 0)
}

function copiedHeader({ key, value }: Header): Header {
  return { key, value: value && new Uint8Array(value) }
}
