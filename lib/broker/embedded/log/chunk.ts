import type { StoredRecord } from './stored-record.ts'

/** A run of a partition's log: the unit of storage, caching, retention and compaction. */
export interface Chunk {
  readonly baseOffset: number
  /** Past its last record and past the markers behind it, which are gaps in the offsets. */
  nextOffset: number
  count: number
  bytes: number
  maxTimestamp: number
  /** When compaction first went over it; its tombstones are kept for `delete.retention.ms` from then on. */
  cleanedAtMs: number
  /** Undefined while it lies on disk only. */
  records: StoredRecord[] | undefined
}

export const CHUNK_RECORDS_MAX = 1024
export const CHUNK_BYTES_MAX = 256 * 1024
export const NEVER_CLEANED = -1

export function emptyChunk(baseOffset: number): Chunk {
  return {
    baseOffset,
    nextOffset: baseOffset,
    count: 0,
    bytes: 0,
    maxTimestamp: -1,
    cleanedAtMs: NEVER_CLEANED,
    records: [],
  }
}

/** Index of the chunk that holds the offset, or of the first one behind it. */
export function chunkIndexAt(chunks: readonly Chunk[], offset: number): number {
  let low = 0
  let high = chunks.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((chunks[middle] as Chunk).nextOffset <= offset) low = middle + 1
    else high = middle
  }
  return low
}

/** Index of the first record at or behind the offset. */
export function recordIndexAt(records: readonly StoredRecord[], offset: number): number {
  let low = 0
  let high = records.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((records[middle] as StoredRecord).offset < offset) low = middle + 1
    else high = middle
  }
  return low
}
