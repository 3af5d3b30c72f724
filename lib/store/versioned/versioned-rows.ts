import { Buffer } from 'node:buffer'
import { SegmentRow } from './segment-row.ts'
import { readInt64, writeInt64 } from '../../common/int64.ts'
import type { TimeSegment } from './time-segments.ts'
import { TimeSegments } from './time-segments.ts'

/** Reads rows by their ids, a character for a byte. */
export interface RowReader {
  row(rowId: string): Uint8Array | undefined
}

export interface Rows extends RowReader {
  setRow(rowId: string, row: Uint8Array | null): void
}

/** A version with its serialised value. */
export interface RawVersion {
  readonly value: Uint8Array
  readonly timestamp: number
  readonly validToMs: number | undefined
}

const TIME_BYTES = 8
const LATEST = '\u0000'
/** Prefix of the row ids of older versions. */
export const OLDER_VERSIONS = '\u0001'

/**
 * Where the versions of each key lie, as in Kafka Streams (KIP-889): the latest value in a row of its own
 * under the key, each older one in the segment of time in which it ended, with the other versions of its key
 * that ended there. So what history retention no longer covers lies together and is dropped by segments, and
 * a look-up of a recent time reads one or two rows.
 *
 * A deletion has no row of its own: the latest row is missing then, and the segments say when the value
 * before ended.
 */
export class VersionedRows {
  readonly segments: TimeSegments
  readonly #rows: Rows
  readonly #onNewSegment: (segment: TimeSegment) => void

  constructor(rows: Rows, segmentIntervalMs: number, onNewSegment: (segment: TimeSegment) => void) {
    this.segments = new TimeSegments(segmentIntervalMs)
    this.#rows = rows
    this.#onNewSegment = onNewSegment
  }

  /**
   * Puts a version; returns the time up to which it holds; undefined: it is the latest. The version must not
   * be older than the history.
   */
  put(id: string, value: Uint8Array | null, timestamp: number): number | undefined {
    const latest = latestOf(this.#rows, id)
    if (latest && timestamp >= latest.timestamp) {
      // A deletion at the very time of the latest value takes its place, and leaves no more trace than Kafka
      // Streams'.
      if (timestamp > latest.timestamp) this.#insertEnding(id, latest.timestamp, latest.value, timestamp)
      this.#setLatest(id, value, timestamp)
      return undefined
    }
    let validToMs = latest?.timestamp
    const lowest = this.segments.idAt(timestamp)
    for (let at = this.segments.size - 1; at >= 0 && this.segments.at(at).id >= lowest; at -= 1) {
      const segment = this.segments.at(at)
      const row = this.#rowOf(segment, id)
      if (!row) continue
      if (row.nextMs <= timestamp) break
      if (row.minMs <= timestamp) return this.#insertWithin(id, segment, row, value, timestamp)
      validToMs = row.minMs
    }
    if (validToMs !== undefined) this.#insertEnding(id, timestamp, value, validToMs)
    else if (value !== null) this.#setLatest(id, value, timestamp)
    else this.#deleteAbsent(id, timestamp)
    return validToMs
  }

  /** Inserts a version that is the latest or the earliest of its key, into the segment of its end. */
  #insertEnding(id: string, timestamp: number, value: Uint8Array | null, validToMs: number): void {
    const segment = this.#segmentAt(validToMs)
    const row = this.#rowOf(segment, id)
    if (!row) return this.#setRow(segment, id, new SegmentRow(validToMs, [{ timestamp, value }]))
    if (row.nextMs <= timestamp) row.insertAsLatest({ timestamp, value }, validToMs)
    else row.versions.push({ timestamp, value })
    this.#setRow(segment, id, row)
  }

  /**
   * Inserts a version between others: the one that held until now ends sooner, and may then belong to an
   * older segment.
   */
  #insertWithin(
    id: string,
    segment: TimeSegment,
    row: SegmentRow,
    value: Uint8Array | null,
    timestamp: number,
  ): number {
    const index = row.indexAt(timestamp)
    const validToMs = row.validToMs(index)
    const held = row.versions[index]!
    if (held.timestamp === timestamp) {
      row.versions[index] = { timestamp, value }
    } else if (this.segments.idAt(timestamp) === segment.id) {
      row.versions.splice(index, 0, { timestamp, value })
    } else {
      this.#insertEnding(id, held.timestamp, held.value, timestamp)
      row.versions[index] = { timestamp, value }
    }
    this.#setRow(segment, id, row)
    return validToMs
  }

  /**
   * Puts a deletion with nothing after it, where there is no latest value: it is kept for the sake of older
   * versions still to come.
   */
  #deleteAbsent(id: string, timestamp: number): void {
    const segment = this.#segmentAt(timestamp)
    const row = this.#rowOf(segment, id)
    if (!row) return this.#setRow(segment, id, new SegmentRow(timestamp, []))
    if (row.nextMs === timestamp) return
    row.insertAsLatest({ timestamp: row.nextMs, value: null }, timestamp)
    this.#setRow(segment, id, row)
  }

  #setLatest(id: string, value: Uint8Array | null, timestamp: number): void {
    if (value === null) return this.#rows.setRow(LATEST + id, null)
    const row = Buffer.allocUnsafe(TIME_BYTES + value.length)
    writeInt64(row, 0, timestamp)
    row.set(value, TIME_BYTES)
    this.#rows.setRow(LATEST + id, row)
  }

  #segmentAt(timeMs: number): TimeSegment {
    const { segment, isNew } = this.segments.enter(this.segments.idAt(timeMs))
    if (isNew) this.#onNewSegment(segment)
    return segment
  }

  #rowOf(segment: TimeSegment, id: string): SegmentRow | undefined {
    const bytes = this.#rows.row(olderRowId(segment, id))
    return bytes && SegmentRow.parse(bytes)
  }

  #setRow(segment: TimeSegment, id: string, row: SegmentRow): void {
    this.#rows.setRow(olderRowId(segment, id), row.serialize())
  }
}

export function latestOf(rows: RowReader, id: string): RawVersion | undefined {
  const row = rows.row(LATEST + id)
  if (row === undefined) return undefined
  return { value: row.subarray(TIME_BYTES), timestamp: readInt64(row, 0), validToMs: undefined }
}

/**
 * The version of a time. `oldestMs`: the begin of the history; earlier, only a version that still holds is
 * found.
 */
export function versionAt(
  rows: RowReader,
  segments: TimeSegments,
  id: string,
  timeMs: number,
  oldestMs: number,
): RawVersion | undefined {
  const latest = latestOf(rows, id)
  if (latest && latest.timestamp <= timeMs) return latest
  if (timeMs < oldestMs) return undefined
  const lowest = segments.idAt(timeMs)
  for (let at = segments.size - 1; at >= 0 && segments.at(at).id >= lowest; at -= 1) {
    const bytes = rows.row(olderRowId(segments.at(at), id))
    if (bytes === undefined) continue
    const row = SegmentRow.parse(bytes)
    if (row.nextMs <= timeMs) return undefined
    if (row.minMs > timeMs) continue
    const index = row.indexAt(timeMs)
    const { value, timestamp } = row.versions[index]!
    return value === null ? undefined : { value, timestamp, validToMs: row.validToMs(index) }
  }
  return undefined
}

function olderRowId(segment: TimeSegment, id: string): string {
  return OLDER_VERSIONS + segment.text + id
}
