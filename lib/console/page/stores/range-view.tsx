import { useEffect, useState } from 'preact/hooks'
import { appPath } from '../core/api.ts'
import type { StoreEntry } from '../core/api-types.ts'
import { clockTime, count, dateTime, oneLine } from '../core/format.ts'
import { route, setParams } from '../core/router.ts'
import { useJson } from '../core/use-json.ts'
import { Field } from '../parts/fields.tsx'
import { Rows } from '../parts/rows.tsx'
import { Answer, Empty } from '../parts/state.tsx'

interface RangePage {
  readonly entries: readonly StoreEntry[]
  readonly next: string | null
}

interface RangeViewProps {
  readonly applicationId: string
  readonly name: string
}

const PAGE = 100

interface Range {
  readonly prefix: string
  readonly from: string
  readonly to: string
  readonly reverse: boolean
}

/** Rows of a store of keys and values, by prefix or by range, a page at a time. */
export function RangeView({ applicationId, name }: RangeViewProps) {
  const range = rangeOf(route.value.params)
  const { prefix, from, to, reverse } = range
  const filters = JSON.stringify(range)
  const [cursors, setCursors] = useState<readonly string[]>([])
  useEffect(() => setCursors([]), [filters])
  const page = useJson<RangePage>(
    appPath(applicationId, ['stores', name], {
      limit: PAGE,
      cursor: cursors.at(-1),
      ...(prefix === '' ? { from, to } : { prefix }),
      ...(reverse ? { reverse: true } : {}),
    }),
    { everyMs: 3_000 },
  )
  return (
    <>
      <RangeFilters range={range} />
      <Answer of={page} rows={8}>
        {({ entries, next }) => (
          <>
            <Entries entries={entries} isFiltered={prefix + from + to !== ''} />
            <nav class="pager" aria-label="Pages">
              <button
                type="button"
                disabled={cursors.length === 0}
                onClick={() => setCursors(cursors.slice(0, -1))}
              >
                Back
              </button>
              <span>
                rows {count(cursors.length * PAGE + Math.min(1, entries.length))} to{' '}
                {count(cursors.length * PAGE + entries.length)}
              </span>
              <button
                type="button"
                disabled={next === null}
                onClick={() => next !== null && setCursors([...cursors, next])}
              >
                Next
              </button>
            </nav>
          </>
        )}
      </Answer>
    </>
  )
}

function rangeOf(params: URLSearchParams): Range {
  const text = (name: string) => params.get(name) ?? ''
  return {
    prefix: text('prefix'),
    from: text('from'),
    to: text('to'),
    reverse: text('reverse') === 'true',
  }
}

function RangeFilters({ range: { prefix, from, to, reverse } }: { readonly range: Range }) {
  return (
    <div class="filters">
      <Field
        search
        label="Prefix"
        value={prefix}
        placeholder="any"
        onChange={value => setParams({ prefix: value, from: '', to: '' })}
      />
      <Field
        label="From key"
        value={from}
        placeholder="first"
        onChange={value => setParams({ from: value, prefix: '' })}
      />
      <Field
        label="To key"
        value={to}
        placeholder="last"
        onChange={value => setParams({ to: value, prefix: '' })}
      />
      <label class="check">
        <input type="checkbox" checked={reverse} onChange={() => setParams({ reverse: !reverse })} />
        Last first
      </label>
    </div>
  )
}

function Entries({
  entries,
  isFiltered,
}: {
  readonly entries: readonly StoreEntry[]
  readonly isFiltered: boolean
}) {
  if (entries.length === 0)
    return <Empty title={isFiltered ? 'No key is like that.' : 'The store is empty.'} />
  return (
    <Rows
      label="Rows"
      rows={entries}
      keyOf={({ key }) => oneLine(key)}
      chosen={route.value.params.get('key') ?? undefined}
      onOpen={({ key }) => setParams({ key: oneLine(key) })}
      columns={[
        { title: 'Key', cell: ({ key }) => <b class="key">{oneLine(key)}</b> },
        { title: 'Value', cell: ({ value }) => <span class="clip">{oneLine(value)}</span>, kind: 'wide' },
        {
          title: 'Time',
          cell: ({ timestamp }) => <time title={dateTime(timestamp)}>{clockTime(timestamp)}</time>,
          kind: 'minor number',
        },
      ]}
    />
  )
}
