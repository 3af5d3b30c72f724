import type { AppHistory } from '../core/api-types.ts'
import { clockTime, plural } from '../core/format.ts'
import { tone } from '../core/labels.ts'
import { now } from '../core/now.ts'

type TimeLineProps = Pick<AppHistory, 'rebalances' | 'states'>

const SPAN_MS = 15 * 60_000

interface Span {
  readonly from: number
  readonly to: number
  readonly state: string
}

/** States as a band and rebalances as marks on it: the last quarter of an hour. */
export function TimeLine({ rebalances, states }: TimeLineProps) {
  const to = now.value
  const from = Math.max(to - SPAN_MS, Math.min(states[0]?.atMs ?? to, rebalances[0]?.atMs ?? to) - 1_000)
  const at = (ms: number) =>
    `${(Math.max(0, Math.min(1, (ms - from) / Math.max(to - from, 1))) * 100).toFixed(2)}%`
  const spans = spansOf(states, to).filter(span => span.to > from)
  const marks = rebalances.filter(({ atMs }) => atMs > from)
  return (
    <section class="card time-line">
      <header>
        <h2>Rebalances and states</h2>
        <small>
          {clockTime(from)} to {clockTime(to)}
        </small>
      </header>
      <div
        class="band"
        role="img"
        aria-label={`${plural(marks.length, 'rebalance')} since ${clockTime(from)}`}
      >
        {spans.map(span => (
          <i
            key={span.from}
            class={tone(span.state)}
            style={{ left: at(span.from), width: `calc(${at(span.to)} - ${at(span.from)})` }}
            title={`${span.state} from ${clockTime(span.from)}`}
          />
        ))}
        {marks.map(({ atMs, kind, tasks }, index) => (
          <b
            key={index}
            class={kind}
            style={{ left: at(atMs) }}
            title={`${clockTime(atMs)}: ${kind} ${tasks.join(', ')}`}
          />
        ))}
      </div>
      <ol class="events">
        {marks
          .slice(-6)
          .reverse()
          .map(({ atMs, kind, tasks }, index) => (
            <li key={index}>
              <time>{clockTime(atMs)}</time>
              <i class={`dot ${kind === 'assigned' ? 'good' : kind === 'revoked' ? 'busy' : 'bad'}`} />
              {kind} {plural(tasks.length, 'task')} <code>{tasks.join(' ')}</code>
            </li>
          ))}
      </ol>
    </section>
  )
}

function spansOf(states: TimeLineProps['states'], to: number): Span[] {
  return states.map(({ atMs, state }, index) => ({ from: atMs, to: states[index + 1]?.atMs ?? to, state }))
}
