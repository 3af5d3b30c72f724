import type { ComponentChildren } from 'preact'
import type { Live, Plan } from '../core/api-types.ts'
import { bytes, count, duration, rate, short } from '../core/format.ts'
import { Sparkline } from '../parts/sparkline.tsx'
import { inputRate, totalLag } from '../topology/totals.ts'

interface TilesProps {
  readonly plan: Plan | undefined
  readonly live: Live | undefined
  readonly past: readonly Live[]
}

/** The numbers of the moment, each with its last two minutes. */
export function Tiles({ plan, live, past }: TilesProps) {
  const course = (of: (live: Live) => number | null | undefined) => past.map(each => of(each) ?? null)
  const lag = totalLag(live)
  return (
    <section class="tiles" aria-label="Numbers of the moment">
      <Tile
        title="Throughput"
        value={rate(inputRate(plan, live))}
        about="records taken in"
        course={course(each => inputRate(plan, each))}
      />
      <Tile
        title="Lag"
        value={short(lag)}
        about={lag === 0 ? 'all is committed' : 'records behind'}
        course={course(totalLag)}
        isBad={(lag ?? 0) > 10_000}
      />
      <Tile
        title="End to end, p99"
        value={duration(live?.latency?.p99Ms)}
        about={live?.latency ? `half within ${duration(live.latency.p50Ms)}` : 'no record just now'}
        course={course(each => each.latency?.p99Ms)}
      />
      <Tile
        title="Commit, p99"
        value={duration(live?.commit.p99Ms)}
        about={commitText(live?.commit)}
        course={course(each => each.commit.lastMs)}
      />
      <Tile
        title="Loop delay, p99"
        value={duration(live?.loop.delayP99Ms)}
        about={`${bytes(live?.memory.rssBytes)} memory`}
        course={course(each => each.loop.delayP99Ms)}
      />
      <Tile
        title="Waiting"
        value={count(live ? live.waiting.parked + live.waiting.retrying : undefined)}
        about={live ? `${count(live.waiting.parked)} parked, ${count(live.waiting.retrying)} retrying` : ' '}
        course={course(each => each.waiting.parked + each.waiting.retrying)}
      />
    </section>
  )
}

function commitText(commit: Live['commit'] | undefined): string {
  if (!commit || commit.sinceLastMs === null) return 'no commit while you look'
  return `${rate(commit.rate)}, last ${duration(commit.sinceLastMs)} ago`
}

interface TileProps {
  readonly title: string
  readonly value: string
  readonly about: ComponentChildren
  readonly course: readonly (number | null)[]
  readonly isBad?: boolean
}

function Tile({ title, value, about, course, isBad = false }: TileProps) {
  return (
    <div class={`tile ${isBad ? 'bad' : ''}`}>
      <h3>{title}</h3>
      <strong>{value}</strong>
      <small>{about}</small>
      <Sparkline values={course} label={`${title}, the last two minutes`} />
    </div>
  )
}
