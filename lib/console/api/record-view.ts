import type { RawRecord } from '../../broker/broker.ts'
import { jsonText } from '../../http/json-text.ts'
import { byLooking, type RecordDecoder } from './record-decoder.ts'

/** A record as the page shows it. */
export interface RecordView {
  readonly partition: number
  readonly offset: number
  readonly timestampMs: number
  readonly key: unknown
  readonly value: unknown
  readonly keyFormat: string
  readonly valueFormat: string
  readonly bytes: number
  readonly headers: readonly (readonly [name: string, value: unknown])[]
  /** Whether its transaction was aborted, or is still open: nobody who reads what is committed sees it. */
  readonly aborted?: true
  readonly open?: true
}

export interface RecordFilter {
  readonly sinceMs?: number | undefined
  /** A part of the key, or of the value, as text. */
  readonly contains?: string | undefined
  /** The key, as text. */
  readonly key?: string | undefined
}

export function viewOf(partition: number, record: RawRecord, decoder: RecordDecoder): RecordView {
  const key = decoder.shown(record, 'key')
  const value = decoder.shown(record, 'value')
  return {
    partition,
    offset: record.offset,
    timestampMs: record.timestamp,
    key: key.value,
    value: value.value,
    keyFormat: key.format,
    valueFormat: value.format,
    bytes: (record.key?.length ?? 0) + (record.value?.length ?? 0),
    headers: record.headers.map(header => [header.key, header.value ? byLooking(header.value).value : null]),
  }
}

export function isWanted({ timestampMs, key, value }: RecordView, filter: RecordFilter): boolean {
  const { sinceMs, contains, key: wanted } = filter
  if (sinceMs !== undefined && timestampMs < sinceMs) return false
  if (wanted !== undefined && textOf(key) !== wanted) return false
  return contains === undefined || textOf(key).includes(contains) || textOf(value).includes(contains)
}

export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : jsonText(value)
}
