import type { TopicRecord } from '../core/api-types.ts'
import { bytes, clockTime, dateTime, oneLine } from '../core/format.ts'
import { Rows } from '../parts/rows.tsx'

interface RecordTableProps {
  readonly records: readonly TopicRecord[]
  readonly chosen?: TopicRecord | undefined
  readonly onOpen: (record: TopicRecord) => void
}

export const placeOf = ({ partition, offset }: TopicRecord): string => `${partition}:${offset}`

export function RecordTable({ records, chosen, onOpen }: RecordTableProps) {
  return (
    <Rows
      label="Records"
      rows={records}
      keyOf={placeOf}
      chosen={chosen && placeOf(chosen)}
      onOpen={onOpen}
      columns={[
        {
          title: 'Place',
          cell: record => <code class={record.aborted ? 'aborted' : ''}>{placeOf(record)}</code>,
        },
        {
          title: 'Time',
          cell: ({ timestampMs }) => <time title={dateTime(timestampMs)}>{clockTime(timestampMs)}</time>,
          kind: 'minor',
        },
        { title: 'Key', cell: ({ key }) => <b class="key">{oneLine(key)}</b> },
        { title: 'Value', cell: record => <ValueCell record={record} />, kind: 'wide' },
        { title: 'Size', cell: record => bytes(record.bytes), kind: 'minor number' },
      ]}
    />
  )
}

function ValueCell({ record: { value, aborted, open } }: { readonly record: TopicRecord }) {
  return (
    <span class={`clip ${aborted ? 'aborted' : ''}`}>
      {aborted && <span class="tag bad">aborted</span>}
      {open && <span class="tag busy">open</span>}
      {value === null ? <em>tombstone</em> : oneLine(value)}
    </span>
  )
}
