import { appPath, post } from '../core/api.ts'
import type { Schedule } from '../core/api-types.ts'
import { ago, dateTime } from '../core/format.ts'
import { now } from '../core/now.ts'
import { go, link } from '../core/router.ts'
import { useJson } from '../core/use-json.ts'
import { Facts } from '../parts/fields.tsx'
import { Icon } from '../parts/icon.tsx'
import { JsonView } from '../parts/json-view.tsx'
import { Panel } from '../parts/panel.tsx'
import { Rows } from '../parts/rows.tsx'
import { Answer, Empty, State } from '../parts/state.tsx'
import { attempt } from '../parts/toasts.tsx'
import { definitionText } from './definition-text.ts'

type ScheduleAnswer = readonly Schedule[] | { readonly schedules: readonly Schedule[] }

interface SchedulesViewProps {
  readonly applicationId: string
  readonly id?: string | undefined
}

export function SchedulesView({ applicationId, id }: SchedulesViewProps) {
  return <ScheduleList applicationId={applicationId} id={id} />
}

/** The schedules of one application, and the one that the address names. */
export function ScheduleList({ applicationId, id }: SchedulesViewProps) {
  const answer = useJson<ScheduleAnswer>(appPath(applicationId, ['schedules']), { everyMs: 4_000 })
  return (
    <Answer of={answer} rows={3}>
      {data => {
        const schedules = 'schedules' in data ? data.schedules : data
        if (schedules.length === 0) return <p class="quiet">It has no schedules.</p>
        const chosen = schedules.find(schedule => schedule.id === id)
        return (
          <div class="with-panel">
            <div class="list">
              <ScheduleTable applicationId={applicationId} schedules={schedules} id={id} />
            </div>
            {id !== undefined && (
              <Panel kind="Schedule" title={id} onClose={() => go(link(['app', applicationId, 'schedules']))}>
                {chosen ? (
                  <OneSchedule applicationId={applicationId} schedule={chosen} onDone={answer.reload} />
                ) : (
                  <Empty title="There is no such schedule." />
                )}
              </Panel>
            )}
          </div>
        )
      }}
    </Answer>
  )
}

interface ScheduleTableProps extends SchedulesViewProps {
  readonly schedules: readonly Schedule[]
}

function ScheduleTable({ applicationId, schedules, id }: ScheduleTableProps) {
  return (
    <Rows
      label={`Schedules of ${applicationId}`}
      rows={schedules}
      keyOf={schedule => schedule.id}
      chosen={id}
      linkOf={schedule => link(['app', applicationId, 'schedules', schedule.id])}
      columns={[
        { title: 'Schedule', cell: schedule => schedule.id, kind: 'wide' },
        { title: 'Fires', cell: ({ definition }) => definitionText(definition) },
        {
          title: 'Next',
          cell: ({ nextMs }) => <time title={dateTime(nextMs)}>{ago(nextMs, now.value)}</time>,
        },
        {
          title: 'Last',
          cell: ({ lastMs }) => <time title={dateTime(lastMs)}>{ago(lastMs, now.value)}</time>,
          kind: 'minor',
        },
        {
          title: 'From',
          cell: ({ source }) => (source === 'code' ? 'the topology' : 'a topic'),
          kind: 'minor',
        },
        {
          title: 'State',
          cell: ({ paused, isTaken }) => (
            <State state={paused ? 'paused' : isTaken ? 'running' : 'starting'} />
          ),
        },
      ]}
    />
  )
}

interface OneScheduleProps {
  readonly applicationId: string
  readonly schedule: Schedule
  readonly onDone: () => void
}

function OneSchedule({ applicationId, schedule, onDone }: OneScheduleProps) {
  const { id, source, definition, policy, to, paused, nextMs, lastMs } = schedule
  const act = async (action: string, done: string) => {
    if (await attempt(() => post(appPath(applicationId, ['schedules', id, action])), done)) onDone()
  }
  return (
    <>
      <div class="toolbar">
        {paused ? (
          <button type="button" class="primary" onClick={() => void act('resume', `${id} goes on.`)}>
            <Icon name="play" /> Resume
          </button>
        ) : (
          <button type="button" onClick={() => void act('pause', `${id} is paused.`)}>
            <Icon name="pause" /> Pause
          </button>
        )}
        <button type="button" onClick={() => void act('trigger', `${id} fires once, now.`)}>
          <Icon name="bolt" /> Fire now
        </button>
        {source === 'data' && (
          <button type="button" class="danger" onClick={() => void act('cancel', `${id} is cancelled.`)}>
            <Icon name="trash" /> Cancel
          </button>
        )}
      </div>
      {paused && (
        <p class="notice busy">
          Paused by {paused.by} {ago(paused.at, now.value)}
          {paused.reason && `: ${paused.reason}`}
        </p>
      )}
      <Facts
        facts={[
          ['Fires', definitionText(definition)],
          ['Next', nextMs ? `${dateTime(nextMs)}, ${ago(nextMs, now.value)}` : '–'],
          ['Last', lastMs ? `${dateTime(lastMs)}, ${ago(lastMs, now.value)}` : '–'],
        ]}
      />
      <h3>Definition</h3>
      <JsonView
        value={{ ...definition, ...(policy ? { policy } : {}), ...(to ? { to } : {}) }}
        label="definition"
      />
    </>
  )
}
