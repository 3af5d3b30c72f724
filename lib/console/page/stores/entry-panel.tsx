import { appPath } from '../core/api.ts'
import type { StoreEntry } from '../core/api-types.ts'
import { dateTime } from '../core/format.ts'
import { route, setParams } from '../core/router.ts'
import { useJson } from '../core/use-json.ts'
import { Field, Facts } from '../parts/fields.tsx'
import { JsonView } from '../parts/json-view.tsx'
import { Panel } from '../parts/panel.tsx'
import { Answer, Empty } from '../parts/state.tsx'
import type { Reading } from './store-kind.ts'

interface EntryPanelProps {
  readonly applicationId: string
  readonly name: string
  readonly reading: Reading
  readonly entryKey: string
}

interface OneEntry extends StoreEntry {
  readonly partition: number | null
  readonly validTo?: number | null
}

interface Windowed {
  readonly windows?: readonly StoreEntry[]
  readonly sessions?: readonly StoreEntry[]
}

/** One key, as long as it is looked at: its value follows the store. */
export function EntryPanel({ applicationId, name, reading, entryKey }: EntryPanelProps) {
  return (
    <Panel kind="Key" title={entryKey} onClose={() => setParams({ key: undefined, asOf: undefined })}>
      {reading === 'windows' || reading === 'sessions' ? (
        <WindowsPart {...{ applicationId, name, reading, entryKey }} />
      ) : (
        <ValuePart {...{ applicationId, name, reading, entryKey }} />
      )}
    </Panel>
  )
}

function ValuePart({ applicationId, name, reading, entryKey }: EntryPanelProps) {
  const asOf = route.value.params.get('asOf') ?? ''
  const entry = useJson<OneEntry>(appPath(applicationId, ['stores', name], { key: entryKey, asOf }), {
    everyMs: 2_000,
  })
  return (
    <>
      {reading === 'versioned' && (
        <Field
          label="As of"
          value={asOf}
          placeholder="now, or 2026-01-31T12:00:00Z"
          onChange={value => setParams({ asOf: value })}
        />
      )}
      {entry.error?.code.startsWith('KEY_NOT_FOUND') ? (
        <Empty title="The store has no such key." />
      ) : (
        <Answer of={entry}>
          {({ value, timestamp, partition, validTo }) => (
            <>
              <Facts
                facts={[
                  ['Time', timestamp === undefined || timestamp === null ? undefined : dateTime(timestamp)],
                  ['Valid to', validTo === undefined || validTo === null ? undefined : dateTime(validTo)],
                  ['Partition', partition ?? undefined],
                ]}
              />
              <JsonView value={value} />
            </>
          )}
        </Answer>
      )}
    </>
  )
}

function WindowsPart({ applicationId, name, reading, entryKey }: EntryPanelProps) {
  const { params } = route.value
  const [from, to] = [params.get('from') ?? '', params.get('to') ?? '']
  const found = useJson<Windowed>(
    appPath(applicationId, ['stores', name, entryKey, reading], { from, to, reverse: true, limit: 100 }),
    { everyMs: 2_000 },
  )
  return (
    <>
      <div class="filters">
        <Field
          label="From time"
          value={from}
          placeholder="2026-01-31T12:00:00Z"
          onChange={value => setParams({ from: value })}
        />
        <Field label="To time" value={to} placeholder="now" onChange={value => setParams({ to: value })} />
      </div>
      <Answer of={found}>
        {({ windows, sessions }) => {
          const rows = windows ?? sessions ?? []
          if (rows.length === 0) return <Empty title={`The key has no ${reading}.`} />
          return rows.map(({ start, end, value }) => (
            <section key={`${start} ${end}`} class="window">
              <h3>
                {dateTime(start)} to {dateTime(end)}
              </h3>
              <JsonView value={value} />
            </section>
          ))
        }}
      </Answer>
    </>
  )
}
