import type { TopicRecord } from '../core/api-types.ts'
import { bytes, dateTime, oneLine } from '../core/format.ts'
import { link } from '../core/router.ts'
import { Copy } from '../parts/copy.tsx'
import { Facts } from '../parts/fields.tsx'
import { JsonView } from '../parts/json-view.tsx'
import { Panel } from '../parts/panel.tsx'
import { placeOf } from './record-table.tsx'

interface RecordPanelProps {
  readonly topic: string
  readonly record: TopicRecord
  readonly onClose: () => void
}

/** All of one record: its place, key, value and headers. */
export function RecordPanel({ topic, record, onClose }: RecordPanelProps) {
  const { partition, offset, timestampMs, key, value, keyFormat, valueFormat, headers, aborted } = record
  const address = new URL(link(['topics', topic], { partition, offset }), location.href).href
  return (
    <Panel kind={`Record of ${topic}`} title={placeOf(record)} onClose={onClose}>
      {record.open && <p class="notice busy">Its transaction has not ended yet.</p>}
      {aborted && (
        <p class="notice bad">Its transaction was aborted: who reads committed records never sees it.</p>
      )}
      <Facts
        facts={[
          ['Partition', partition],
          ['Offset', offset],
          ['Time', dateTime(timestampMs)],
          ['Size', bytes(record.bytes)],
          ['Formats', `${keyFormat} key, ${valueFormat} value`],
          [
            'Address',
            <span class="with-copy">
              this record <Copy text={address} label="Copy the address of this record" />
            </span>,
          ],
        ]}
      />
      <h3>Key</h3>
      <JsonView value={key} label="key" />
      <h3>Value</h3>
      {value === null ? <p class="quiet">A tombstone: the key is deleted.</p> : <JsonView value={value} />}
      <h3>Headers</h3>
      {headers.length === 0 ? (
        <p class="quiet">None</p>
      ) : (
        <Facts facts={headers.map(([name, text]) => [name, <code>{oneLine(text)}</code>] as const)} />
      )}
    </Panel>
  )
}
