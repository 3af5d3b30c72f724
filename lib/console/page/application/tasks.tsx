import type { Live, LiveTask } from '../core/api-types.ts'
import { clockTime, count, dateTime, duration, short } from '../core/format.ts'
import { Rows } from '../parts/rows.tsx'
import { State } from '../parts/state.tsx'

/** Who owns which part of the work, and what holds a window back. */
export function Tasks({ live }: { readonly live: Live | undefined }) {
  if (!live) return null
  const windows = live.tasks.flatMap(task => task.windows.map(window => ({ ...window, task: task.id })))
  return (
    <div class="columns">
      <section class="card">
        <header>
          <h2>Tasks</h2>
          <small>{count(live.tasks.length)}</small>
        </header>
        {live.tasks.length === 0 ? (
          <p class="quiet">This process has no tasks at the moment.</p>
        ) : (
          <Rows
            label="Tasks"
            rows={[...live.tasks].sort(byId)}
            keyOf={({ id, owner }) => `${id} ${owner}`}
            columns={[
              { title: 'Task', cell: ({ id }) => <code>{id}</code> },
              { title: 'State', cell: task => <TaskState task={task} />, kind: 'wide' },
              { title: 'Owner', cell: ({ owner }) => owner },
              { title: 'Lag', cell: ({ lag }) => short(lag), kind: 'number' },
              {
                title: 'Stream time',
                cell: ({ streamTimeMs }) => (
                  <span title={dateTime(streamTimeMs)}>{clockTime(streamTimeMs)}</span>
                ),
                kind: 'minor number',
              },
            ]}
          />
        )}
      </section>
      {windows.length > 0 && (
        <section class="card">
          <header>
            <h2>Why these windows are still open</h2>
          </header>
          <ul class="windows">
            {windows.map(({ task, store, openUntilMs, why }) => (
              <li key={`${task} ${store} ${openUntilMs}`}>
                <strong>{store}</strong> <code>{task}</code>
                <span>closes at stream time {dateTime(openUntilMs)}</span>
                <p>{why}</p>
              </li>
            ))}
          </ul>
        </section>
      )}
    </div>
  )
}

/** `2_10` after `2_9`. */
const byId = (one: LiveTask, other: LiveTask): number =>
  one.id.localeCompare(other.id, 'en', { numeric: true })

function TaskState({ task: { state, restore } }: { readonly task: LiveTask }) {
  if (!restore) return <State state={state} />
  const left = restore.leftMs === null ? '' : `, ${duration(restore.leftMs)} left`
  return (
    <div class="restore">
      <span>
        restoring {count(Math.floor(restore.percent))} %{left}
      </span>
      <small>
        {short(restore.done)} of {short(restore.total)}
      </small>
      <progress
        max={100}
        value={restore.percent}
        aria-label={`${restore.done} of ${restore.total} records restored`}
      />
    </div>
  )
}
