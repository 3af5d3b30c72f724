import { useEffect, useState } from 'preact/hooks'
import { appPath } from '../core/api.ts'
import type { Letter, Letters } from '../core/api-types.ts'
import { ago, count, dateTime, oneLine } from '../core/format.ts'
import { now } from '../core/now.ts'
import { link, route, setParams, go } from '../core/router.ts'
import { useJson } from '../core/use-json.ts'
import { Choice, Field } from '../parts/fields.tsx'
import { Icon } from '../parts/icon.tsx'
import { Rows } from '../parts/rows.tsx'
import { Answer, Empty, State } from '../parts/state.tsx'
import { LetterActions } from './letter-actions.tsx'
import { LetterPanel } from './letter-panel.tsx'

const LIMIT = 500

const REASONS = [
  'gave-up',
  'non-retriable',
  'undeserialisable',
  'interrupted',
  'behind',
  'skipped',
  'ignored',
  'failed',
  'unwritable',
]

interface LettersViewProps {
  readonly applicationId: string
  /** The letter that the address names. */
  readonly id: string | undefined
}

/** The dead letters of one application. */
export function LettersView({ applicationId, id }: LettersViewProps) {
  const { params } = route.value
  const [operator, key, reason] = ['operator', 'key', 'reason'].map(each => params.get(each) ?? '') as [
    string,
    string,
    string,
  ]
  const all = params.get('all') === 'true'
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set())
  const wanted = { operator, key, reason, ...(all ? { all } : {}) }
  const letters = useJson<Letters>(appPath(applicationId, ['letters'], { ...wanted, limit: LIMIT }), {
    everyMs: 4_000,
  })
  // A letter that is no longer there cannot be selected.
  useEffect(() => {
    const there = new Set(letters.data?.letters.map(each => each.id))
    setSelected(before => new Set([...before].filter(each => there.has(each))))
  }, [letters.data])
  return (
    <Answer of={letters} rows={6}>
      {data => (
        <>
          <LetterFilters operators={data.operators} {...{ operator, key, reason, all }} />
          <div class="toolbar">
            <LetterActions
              applicationId={applicationId}
              letters={data.letters}
              selected={selected}
              onDone={() => (setSelected(new Set()), letters.reload())}
            />
            <a
              class="button"
              href={appPath(applicationId, ['letters', 'export'], wanted)}
              download={`${applicationId}-letters.ndjson`}
            >
              <Icon name="download" /> Export
            </a>
            <span class="quiet">
              {count(data.letters.length)} of {count(data.total)}
            </span>
          </div>
          <div class="with-panel">
            <div class="list">
              <LetterTable
                {...{ applicationId, id, selected }}
                letters={data.letters}
                onSelect={setSelected}
              />
            </div>
            {id !== undefined && (
              <LetterPanel
                key={id}
                applicationId={applicationId}
                id={id}
                known={data.letters.find(letter => letter.id === id)}
                onDone={letters.reload}
                onClose={() => go(link(['app', applicationId, 'letters'], Object.fromEntries(params)))}
              />
            )}
          </div>
        </>
      )}
    </Answer>
  )
}

interface LetterFiltersProps {
  readonly operators: readonly string[]
  readonly operator: string
  readonly key: string
  readonly reason: string
  /** Also those about which something was done. */
  readonly all: boolean
}

function LetterFilters({ operators, operator, key, reason, all }: LetterFiltersProps) {
  return (
    <div class="filters">
      <Choice
        label="Operator"
        value={operator}
        options={[['', 'all'], ...operators.map(each => [each, each] as const)]}
        onChange={value => setParams({ operator: value })}
      />
      <Field search label="Key" value={key} placeholder="any" onChange={value => setParams({ key: value })} />
      <Choice
        label="Reason"
        value={reason}
        options={[['', 'any'], ...REASONS.map(each => [each, each] as const)]}
        onChange={value => setParams({ reason: value })}
      />
      <label class="check">
        <input type="checkbox" checked={all} onChange={() => setParams({ all: !all })} />
        Also those that are done
      </label>
    </div>
  )
}

interface LetterTableProps extends LettersViewProps {
  readonly letters: readonly Letter[]
  readonly selected: ReadonlySet<string>
  readonly onSelect: (selected: ReadonlySet<string>) => void
}

function LetterTable({ applicationId, id, letters, selected, onSelect }: LetterTableProps) {
  if (letters.length === 0)
    return <Empty title="No dead letters.">Every record was processed, or still is.</Empty>
  return (
    <Rows
      label="Dead letters"
      rows={letters}
      keyOf={letter => letter.id}
      chosen={id}
      linkOf={letter =>
        link(['app', applicationId, 'letters', letter.id], Object.fromEntries(route.value.params))
      }
      selected={selected}
      onSelect={onSelect}
      columns={[
        { title: 'Letter', cell: letter => letter.id },
        { title: 'Key', cell: letter => <b class="key">{oneLine(letter.key)}</b> },
        {
          title: 'Error',
          cell: ({ error }) => <span class="clip">{error?.message ?? '–'}</span>,
          kind: 'wide',
        },
        { title: 'Operator', cell: ({ operator }) => operator, kind: 'minor' },
        { title: 'Calls', cell: ({ attempts }) => count(attempts), kind: 'minor number' },
        {
          title: 'Given up',
          cell: ({ timestampMs }) => <time title={dateTime(timestampMs)}>{ago(timestampMs, now.value)}</time>,
          kind: 'minor',
        },
        { title: 'State', cell: ({ state }) => <State state={state} /> },
      ]}
    />
  )
}
