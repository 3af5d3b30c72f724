import { useEffect, useState } from 'preact/hooks'
import { apiPath } from '../core/api.ts'
import type { TopicRecord } from '../core/api-types.ts'
import { openEvents, type StreamState } from '../core/event-stream.ts'
import { count } from '../core/format.ts'
import { Segments } from '../parts/fields.tsx'
import { Empty, State } from '../parts/state.tsx'
import { recordFilters, recordParams } from './record-filters.ts'
import { RecordTable } from './record-table.tsx'

const KEPT = 300

interface FollowRecordsProps {
  readonly name: string
  readonly onOpen: (record: TopicRecord) => void
}

/** Records as they come; where more come than can be shown, how many were left out. */
export function FollowRecords({ name, onOpen }: FollowRecordsProps) {
  const { from: _, sinceMs: __, ...params } = recordParams({ ...recordFilters(), offset: '', since: '' })
  const path = apiPath(['broker', 'topics', name, 'follow'], params)
  const [records, setRecords] = useState<readonly TopicRecord[]>([])
  const [skipped, setSkipped] = useState(0)
  const [link, setLink] = useState<StreamState>('connecting')
  const [isPaused, setPaused] = useState(false)
  useEffect(() => {
    if (isPaused) return
    const skip = (data: unknown) =>
      setSkipped(before => before + ((data as { skipped?: number }).skipped ?? 0))
    return openEvents({
      path,
      on: {
        record: data => {
          if (data !== null && typeof data === 'object' && 'skipped' in data) skip(data)
          else setRecords(before => [data as TopicRecord, ...before].slice(0, KEPT))
        },
        skipped: skip,
      },
      onState: setLink,
    })
  }, [path, isPaused])
  return (
    <>
      <div class="filters">
        <Segments
          label="Following"
          value={isPaused ? 'paused' : 'on'}
          options={[
            ['on', 'Follow'],
            ['paused', 'Pause'],
          ]}
          onChange={value => setPaused(value === 'paused')}
        />
        <State state={isPaused ? 'paused' : link === 'open' ? 'running' : 'starting'} />
        <span class="quiet">
          {count(records.length)} shown
          {skipped > 0 && `, ${count(skipped)} more passed by: filters let you see fewer`}
        </span>
      </div>
      {records.length === 0 ? (
        <Empty title="No record has come since you came.">The next one shows here by itself.</Empty>
      ) : (
        <RecordTable records={records} onOpen={onOpen} />
      )}
    </>
  )
}
