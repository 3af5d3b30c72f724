import { appPath } from '../core/api.ts'
import type { Control, ControlEntry, Waiting } from '../core/api-types.ts'
import { ago, clockTime, count, dateTime, oneLine } from '../core/format.ts'
import { now } from '../core/now.ts'
import { useJson } from '../core/use-json.ts'
import { Rows } from '../parts/rows.tsx'
import { Answer, Empty, State } from '../parts/state.tsx'
import { attempt } from '../parts/toasts.tsx'
import { CommandForm } from './command-form.tsx'
import { CommandList } from './command-list.tsx'
import { sendCommand, targetText, useControl } from './use-control.ts'

/** Commands to the operators of one application, the records that wait, and what came of it. */
export function ControlView({ applicationId }: { readonly applicationId: string }) {
  const control = useControl(applicationId)
  return (
    <Answer of={control}>
      {({ targets, commands, events }: Control) => {
        const operators = targets.map(each => (typeof each === 'string' ? each : each.operator))
        if (operators.length === 0)
          return (
            <Empty title="None of its operators takes commands.">
              Operators with retry do, in topologies that say so.
            </Empty>
          )
        return (
          <>
            <section class="card">
              <header>
                <h2>In effect</h2>
              </header>
              <CommandList applicationId={applicationId} commands={commands} onDone={control.reload} />
              <CommandForm applicationId={applicationId} operators={operators} onDone={control.reload} />
            </section>
            <WaitingRecords applicationId={applicationId} onDone={control.reload} />
            <History events={events} />
          </>
        )
      }}
    </Answer>
  )
}

type WaitingAnswer =
  readonly Waiting[] | { readonly waiting: readonly Waiting[] } | { readonly records: readonly Waiting[] }

interface WaitingRecordsProps {
  readonly applicationId: string
  readonly onDone: () => void
}

function WaitingRecords({ applicationId, onDone }: WaitingRecordsProps) {
  const answer = useJson<WaitingAnswer>(appPath(applicationId, ['waiting']), { everyMs: 2_000 })
  const send = async (action: 'skip' | 'pause', { operator, id, key }: Waiting) => {
    const target = action === 'skip' ? { operator, letter: id } : { operator, key }
    const done = action === 'skip' ? `${id} becomes a dead letter.` : `Key ${oneLine(key)} is paused.`
    if (await attempt(() => sendCommand({ applicationId, action, target }), done)) onDone()
  }
  return (
    <section class="card">
      <header>
        <h2>Records that wait</h2>
      </header>
      <Answer of={answer} rows={3}>
        {data => <WaitingTable records={waitingOf(data)} onSend={send} />}
      </Answer>
    </section>
  )
}

interface WaitingTableProps {
  readonly records: readonly Waiting[]
  readonly onSend: (action: 'skip' | 'pause', record: Waiting) => Promise<void>
}

function WaitingTable({ records, onSend }: WaitingTableProps) {
  if (records.length === 0) return <p class="quiet">No record waits.</p>
  return (
    <Rows
      label="Records that wait"
      rows={records}
      keyOf={({ operator, id }) => `${operator} ${id}`}
      columns={[
        { title: 'Key', cell: ({ key }) => <b class="key">{oneLine(key)}</b> },
        { title: 'Record', cell: ({ id }) => id, kind: 'minor' },
        { title: 'State', cell: ({ state }) => <State state={state} /> },
        { title: 'Calls', cell: ({ attempts }) => count(attempts), kind: 'minor number' },
        {
          title: 'Next call',
          cell: ({ dueMs }) => <time title={dateTime(dueMs)}>{ago(dueMs, now.value)}</time>,
          kind: 'minor',
        },
        {
          title: 'Last error',
          cell: ({ lastError }) => <span class="clip">{lastError?.message ?? '–'}</span>,
          kind: 'wide',
        },
        {
          title: 'Do',
          cell: record => (
            <span class="row-buttons">
              <button type="button" onClick={() => void onSend('pause', record)}>
                Pause key
              </button>
              <button type="button" onClick={() => void onSend('skip', record)}>
                Skip
              </button>
            </span>
          ),
        },
      ]}
    />
  )
}

function History({ events }: { readonly events: readonly ControlEntry[] }) {
  if (events.length === 0) return null
  return (
    <section class="card">
      <header>
        <h2>What was said, and what came of it</h2>
      </header>
      <ol class="events">
        {[...events].reverse().map((event, at) => (
          <li key={at}>
            <time title={dateTime(event.at)}>{clockTime(event.at)}</time>
            <i class={`dot ${event.effect ? 'idle' : 'busy'}`} />
            <span>
              {event.do}: {targetText(event.target)}
              {event.effect
                ? `; record ${event.effect.letter} became ${event.effect.became === 'letter' ? 'a letter' : 'an output'}`
                : ` by ${event.by}`}
              {event.reason && ` (${event.reason})`}
            </span>
          </li>
        ))}
      </ol>
    </section>
  )
}

function waitingOf(answer: WaitingAnswer): readonly Waiting[] {
  if ('waiting' in answer) return answer.waiting
  return 'records' in answer ? answer.records : answer
}
