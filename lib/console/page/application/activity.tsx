import { useEffect } from 'preact/hooks'
import { appPath } from '../core/api.ts'
import type { AppHistory, Live } from '../core/api-types.ts'
import { clockTime, count, duration } from '../core/format.ts'
import { useJson } from '../core/use-json.ts'
import { Sparkline } from '../parts/sparkline.tsx'
import { TimeLine } from './time-line.tsx'

const PERIOD_MS = 5_000

/** What the application has been doing: commits, latency, and how work was divided anew. */
export function Activity({
  applicationId,
  live,
}: {
  readonly applicationId: string
  readonly live: Live | undefined
}) {
  const history = useJson<AppHistory>(appPath(applicationId, ['history']), { everyMs: PERIOD_MS })
  // A state that has changed is in the history at once, not only at the next question.
  useEffect(() => history.reload(), [live?.state])
  const { data } = history
  if (!data) return null
  return (
    <>
      <div class="columns">
        <Commits commits={data.commits} />
        <Latency latency={data.latency} />
      </div>
      <TimeLine rebalances={data.rebalances} states={data.states} />
    </>
  )
}

function Commits({ commits }: Pick<AppHistory, 'commits'>) {
  const shown = commits.slice(-120)
  const last = shown.at(-1)
  const longest = shown.reduce((most, { durationMs }) => Math.max(most, durationMs), 0)
  return (
    <section class="card chart">
      <header>
        <h2>Commits</h2>
        <small>the last {count(shown.length)}</small>
      </header>
      <Sparkline
        bars
        values={shown.map(({ durationMs }) => durationMs)}
        label="Durations of commits"
        width={480}
        height={72}
      />
      <p class="quiet">
        {last
          ? `At ${clockTime(last.atMs)}: ${count(last.records)} records in ${duration(last.durationMs)}. The longest took ${duration(longest)}.`
          : 'There was no commit yet.'}
      </p>
    </section>
  )
}

function Latency({ latency }: Pick<AppHistory, 'latency'>) {
  const last = latency.at(-1)
  const worst = latency.reduce((most, { p99Ms }) => Math.max(most, p99Ms), 0)
  return (
    <section class="card chart">
      <header>
        <h2>End-to-end latency</h2>
        <small>p99, from a record's time to its commit</small>
      </header>
      <Sparkline
        values={latency.map(({ p99Ms }) => p99Ms)}
        label="End-to-end latency, p99"
        width={480}
        height={72}
      />
      <p class="quiet">
        {last
          ? `At ${clockTime(last.atMs)}: half within ${duration(last.p50Ms)}, 99 % within ${duration(last.p99Ms)}. The highest was ${duration(worst)}.`
          : 'No record was committed in the last five minutes.'}
      </p>
    </section>
  )
}
