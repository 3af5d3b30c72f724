import { Buffer } from 'node:buffer'
import type { RawRecord } from '../../broker/broker.ts'
import { utf8Text } from '../../common/bytes.ts'
import { errorFrom, StreamsError } from '../../common/errors/errors.ts'
import { Headers, type Header } from '../../common/headers.ts'
import { escapedCell, recordRow, timeText } from './record-table.ts'
import { textSerde } from './text-serdes.ts'

export const FORMATS = ['json', 'table', 'text'] as const
export type FormatName = (typeof FORMATS)[number]

export interface LineFormat {
  /** A line before all records, or nothing. */
  readonly heading: string
  /** Throws `RECORD_UNREADABLE` where a serde refuses the bytes. */
  readonly line: (partition: number, record: RawRecord) => string
}

type Decode = (partition: number, record: RawRecord) => unknown

export function lineFormat(
  format: FormatName,
  topic: string,
  serdes: { readonly keySerde: string; readonly valueSerde: string },
): LineFormat {
  const key = decoder('key', topic, serdes.keySerde)
  const value = decoder('value', topic, serdes.valueSerde)
  switch (format) {
    case 'json':
      return { heading: '', line: (partition, record) => jsonLine(topic, partition, record, { key, value }) }
    case 'text':
      return {
        heading: '',
        line: (partition, record) => `${text(key(partition, record))}\t${text(value(partition, record))}\n`,
      }
    case 'table':
      return {
        heading: row('PARTITION', 'OFFSET', 'TIME', 'KEY', 'VALUE'),
        line: (partition, record) =>
          row(
            String(partition),
            String(record.offset),
            timeText(record.timestamp),
            escapedCell(text(key(partition, record))),
            escapedCell(text(value(partition, record))),
          ),
      }
  }
}

function decoder(part: 'key' | 'value', topic: string, name: string): Decode {
  const { serde, plain } = textSerde(name)
  return (partition, record) => {
    const bytes = record[part]
    if (bytes === null) return null
    try {
      return plain(serde.deserialize(bytes, { topic, headers: new Headers(record.headers) }))
    } catch (reason) {
      const cause = errorFrom(reason)
      throw new StreamsError(
        'RECORD_UNREADABLE',
        `the ${part} at offset ${record.offset} of ${topic}-${partition} is not ${name}: ${cause.message}; ` +
          `--${part}-serde bytes prints it as it is`,
        { cause },
      )
    }
  }
}

function jsonLine(
  topic: string,
  partition: number,
  record: RawRecord,
  { key, value }: { readonly key: Decode; readonly value: Decode },
): string {
  const { offset, timestamp, headers } = record
  const shown = {
    topic,
    partition,
    offset,
    timestamp,
    key: key(partition, record),
    value: value(partition, record),
    headers: headers.map(plainHeader),
  }
  return `${JSON.stringify(shown)}\n`
}

/** Headers say nothing of their format: as text where that loses nothing. */
function plainHeader({ key, value }: Header) {
  if (value === null) return { key, value }
  const asText = utf8Text(value)
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.length)
  return Buffer.from(asText, 'utf8').equals(bytes)
    ? { key, value: asText }
    : { key, base64: bytes.toString('base64') }
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

const WIDTHS = [9, 10, 24, 20]

function row(...cells: readonly string[]): string {
  return recordRow(cells, WIDTHS)
}
