import { Buffer } from 'node:buffer'
import { concatBytes } from '../../common/bytes.ts'
import type { Header } from '../../common/headers.ts'
import type { BatchState } from '../../store/operator/batch-state.ts'
import type { KeyValueStore } from '../../store/contract/key-value-store.ts'
import { utf8, utf8Text } from '../../common/bytes.ts'
import { FieldReader, putBytes } from '../calls/byte-fields.ts'

/** Results of a segment, a bit each: with its head, 260 bytes are what one result rewrites. */
const SEGMENT_RESULTS = 2_048
const HEAD_BYTES = 4
/** In the head of a segment, the number of the one begun before it; no segment has this number. */
const FIRST = 0xffff_ffff
/** In the place of a segment's number: headers of the batch's first record. */
const HEADERS = 0xffff_ffff

/** The largest index of a result. */
export const INDEX_MAX = 0xffff_ffff

/**
 * Which results of which batches have come. A batch's set is in segments, `segment begun before (4) ‖ bits`,
 * without the zeros at the end. The segments of a batch are a chain, so that they can be deleted without an
 * index of all keys in memory.
 */
export class ResultSet {
  readonly #segments: KeyValueStore<Uint8Array, Uint8Array>

  constructor(segments: KeyValueStore<Uint8Array, Uint8Array>) {
    this.#segments = segments
  }

  /** Whether the result is new. `batchKey`: the batch's id as bytes. */
  add(batchKey: Uint8Array, batch: BatchState, index: number): boolean {
    const segment = Math.floor(index / SEGMENT_RESULTS)
    const key = keyOf(batchKey, segment)
    const present = this.#segments.get(key)
    const bit = index % SEGMENT_RESULTS
    const at = HEAD_BYTES + (bit >> 3)
    const mask = 1 << (bit & 7)
    if (present && ((present[at] ?? 0) & mask) !== 0) return false
    const bytes = Buffer.alloc(Math.max(present?.length ?? 0, at + 1))
    if (present) bytes.set(present)
    else bytes.writeUInt32BE(batch.lastSegment ?? FIRST, 0)
    bytes[at] = (bytes[at] ?? 0) | mask
    this.#segments.put(key, bytes)
    if (!present) batch.lastSegment = segment
    return true
  }

  /** Deletes that many segments of the batch, the last first; after the last one its headers. */
  delete(batchKey: Uint8Array, batch: BatchState, segmentsMax: number): void {
    for (let left = segmentsMax; left > 0 && batch.lastSegment !== null; left -= 1) {
      const deleted = this.#segments.delete(keyOf(batchKey, batch.lastSegment))
      const before = deleted ? Buffer.from(deleted).readUInt32BE(0) : FIRST
      batch.lastSegment = before === FIRST ? null : before
    }
    if (batch.lastSegment === null) this.#segments.put(keyOf(batchKey, HEADERS), null)
  }

  putHeaders(batchKey: Uint8Array, headers: readonly Header[]): void {
    if (headers.length === 0) return
    const parts: Uint8Array[] = []
    for (const { key, value } of headers) {
      putBytes(parts, utf8(key))
      putBytes(parts, value)
    }
    this.#segments.put(keyOf(batchKey, HEADERS), Buffer.concat(parts))
  }

  /** Headers of the batch's first record. */
  headers(batchKey: Uint8Array): readonly Header[] {
    const fields = new FieldReader(this.#segments.get(keyOf(batchKey, HEADERS)) ?? new Uint8Array())
    const headers: Header[] = []
    while (!fields.isAtEnd)
      headers.push({ key: utf8Text(fields.bytes() ?? new Uint8Array()), value: fields.bytes() })
    return headers
  }
}

function keyOf(batchKey: Uint8Array, segment: number): Uint8Array {
  const number = Buffer.allocUnsafe(4)
  number.writeUInt32BE(segment, 0)
  return concatBytes(batchKey, number)
}
