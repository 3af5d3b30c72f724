import type { Header } from '../../common/headers.ts'
import { NO_HEADERS } from '../../common/headers.ts'
import type { OutgoingRecord, RawRecord } from '../broker.ts'
import type { Arena } from './arena.ts'

/** A record on its way into a log: the log gives it its offset, after which nobody changes it. */
export interface StoredRecord extends RawRecord {
  offset: number
}

/** Copies the bytes, since a sender may reuse them after the next flush. */
export function storedRecord(record: OutgoingRecord, arena: Arena): StoredRecord {
  const { key, value, timestamp, headers } = record
  return {
    key: key && arena.copy(key),
    value: value && arena.copy(value),
    timestamp,
    offset: -1,
    headers: headers.length === 0 ? NO_HEADERS : headers.map(header => copiedHeader(header, arena)),
  }
}

/** What counts against size limits: keys, values and headers, not the framing. */
export function recordBytes(record: OutgoingRecord | RawRecord): number {
  let bytes = 0
  if (record.key) bytes += record.key.length
  if (record.value) bytes += record.value.length
  for (const { key, value } of record.headers) bytes += key.length + (value ? value.length : 0)
  return bytes
}

function copiedHeader({ key, value }: Header, arena: Arena): Header {
  return { key, value: value && arena.copy(value) }
}
