import { useEffect, useState } from 'preact/hooks'
import { appPath } from '../core/api.ts'
import type { StoreEntry } from '../core/api-types.ts'
import { openEvents, type StreamState } from '../core/event-stream.ts'
import { clockTime, count, minute, oneLine } from '../core/format.ts'
import { setParams } from '../core/router.ts'
import { Segments } from '../parts/fields.tsx'
import { Rows } from '../parts/rows.tsx'
import { Empty, State } from '../parts/state.tsx'

interface Change extends StoreEntry {
  readonly number: number
}

const KEPT = 200

/** What is written into a store, each after its commit. */
export function StoreChanges({
  applicationId,
  name,
}: {
  readonly applicationId: string
  readonly name: string
}) {
  const [changes, setChanges] = useState<readonly Change[]>([])
  const [link, setLink] = useState<StreamState>('connecting')
  const [isPaused, setPaused] = useState(false)
  const [overflows, setOverflows] = useState(0)
  useEffect(() => {
    if (isPaused) return
    let number = 0
    return openEvents({
      path: appPath(applicationId, ['stores', name, 'changes']),
      on: {
        change: data => {
          const change = { ...(data as StoreEntry), number: ++number }
          setChanges(before => [change, ...before].slice(0, KEPT))
        },
        overflow: () => setOverflows(before => before + 1),
      },
      onState: setLink,
    })
  }, [applicationId, name, isPaused])
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
        {overflows > 0 && <span class="quiet">More came than could be shown, {count(overflows)} times.</span>}
      </div>
      {changes.length === 0 ? (
        <Empty title="Nothing has changed since you came.">The next change shows here by itself.</Empty>
      ) : (
        <Rows
          label="Changes"
          rows={changes}
          keyOf={({ number }) => String(number)}
          onOpen={({ key }) => setParams({ key: oneLine(key) })}
          columns={[
            { title: 'Key', cell: ({ key }) => <b class="key">{oneLine(key)}</b> },
            {
              title: 'Value',
              cell: ({ value }) => (
                <span class="clip">{value === null ? <em>deleted</em> : oneLine(value)}</span>
              ),
              kind: 'wide',
            },
            {
              title: 'Time',
              cell: ({ timestamp, start }) =>
                start === undefined ? clockTime(timestamp) : `window of ${minute(start)}`,
              kind: 'minor number',
            },
          ]}
        />
      )}
    </>
  )
}
