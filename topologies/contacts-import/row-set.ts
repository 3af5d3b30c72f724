import { serdes, stores, type KeyValueStore } from 'millrace'
import { numberedKey } from './keys.ts'

/** One bit a row: a segment of 256 bytes is what one row's change rewrites, whatever the import's size. */
const SEGMENT_ROWS = 2048

export const rowSetStore = stores.keyValueStore<string, Uint8Array>({
  name: 'import-rows',
  keySerde: serdes.string(),
  valueSerde: serdes.bytes(),
  ranges: false,
})

/** Which rows of which imports have been counted. */
export class RowSet {
  readonly #segments: KeyValueStore<string, Uint8Array>

  constructor(segments: KeyValueStore<string, Uint8Array>) {
    this.#segments = segments
  }

  /** Whether the row is new. Rows count from 1. */
  add(importId: string, row: number): boolean {
    const key = numberedKey(importId, Math.floor(row / SEGMENT_ROWS))
    const bits = this.#segments.get(key) ?? new Uint8Array(SEGMENT_ROWS / 8)
    const at = row % SEGMENT_ROWS
    const mask = 1 << (at & 7)
    const byte = bits[at >> 3] ?? 0
    if ((byte & mask) !== 0) return false
    bits[at >> 3] = byte | mask
    this.#segments.put(key, bits)
    return true
  }

  /** Deletes the import's rows; `rowMax` is its highest one. */
  delete(importId: string, rowMax: number): void {
    for (let segment = 0; segment <= Math.floor(rowMax / SEGMENT_ROWS); segment += 1) {
      this.#segments.delete(numberedKey(importId, segment))
    }
  }
}
