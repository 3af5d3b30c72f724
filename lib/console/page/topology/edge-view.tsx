import type { Live } from '../core/api-types.ts'
import { rate, short } from '../core/format.ts'
import type { Direction, PlacedBox, PlacedEdge, Point } from './lay-out.ts'

interface EdgeViewProps {
  readonly edge: PlacedEdge
  readonly from: PlacedBox
  readonly to: PlacedBox
  readonly live: Live | undefined
  readonly direction: Direction
}

/** The way of records: the more of them, the thicker; lag stands where a topic is read. */
export function EdgeView({ edge, from, to, live, direction }: EdgeViewProps) {
  const perSecond = rateOf(from, to, live)
  const isMoving = (perSecond ?? 0) > 0
  const lag = from.kind === 'topic' ? (live?.topics[from.name]?.lag ?? null) : null
  const middle = middleOf(edge.points)
  const isLabelled = from.kind === 'topic' || to.kind === 'topic'
  return (
    <g class={`edge ${isMoving ? 'moving' : 'still'}`}>
      <path
        d={curve(edge.points, direction)}
        style={{ strokeWidth: `${1.2 + Math.min(Math.log10(1 + (perSecond ?? 0)), 4) * 0.55}px` }}
        marker-end={`url(#arrow-${isMoving ? 'moving' : 'still'})`}
      />
      {isLabelled && isMoving && (
        <text x={middle.x} y={middle.y - 7}>
          {rate(perSecond)}
        </text>
      )}
      {lag !== null && lag > 0 && (
        <g class="lag" transform={`translate(${middle.x} ${middle.y + 14})`}>
          <title>{`${lag} records behind`}</title>
          <text>{short(lag)} behind</text>
        </g>
      )}
    </g>
  )
}

/**
 * How many records a second go this way. Nodes count what they get: at a topic that is exact; between two
 * nodes it is at most what either gets.
 */
function rateOf(from: PlacedBox, to: PlacedBox, live: Live | undefined): number | undefined {
  if (!live) return undefined
  const of = (box: PlacedBox) => live.nodes[box.name]?.processRate
  if (from.kind === 'topic') return of(to)
  if (to.kind === 'topic') return of(from)
  const both = [of(from), of(to)].filter(each => each !== undefined)
  return both.length === 0 ? undefined : Math.min(...both)
}

function middleOf(points: readonly Point[]): Point {
  const half = Math.floor(points.length / 2)
  const [one, other] = [points[half - (points.length % 2 === 0 ? 1 : 0)], points[half]]
  return { x: ((one?.x ?? 0) + (other?.x ?? 0)) / 2, y: ((one?.y ?? 0) + (other?.y ?? 0)) / 2 }
}

/** A curve that leaves and arrives in the direction of reading. */
function curve(points: readonly Point[], direction: Direction): string {
  const [first, ...rest] = points
  if (!first) return ''
  let path = `M${round(first.x)} ${round(first.y)}`
  let last = first
  for (const point of rest) {
    const [x, y] = [(last.x + point.x) / 2, (last.y + point.y) / 2]
    const [one, other] =
      direction === 'LR'
        ? [
            { x, y: last.y },
            { x, y: point.y },
          ]
        : [
            { x: last.x, y },
            { x: point.x, y },
          ]
    path += `C${round(one.x)} ${round(one.y)} ${round(other.x)} ${round(other.y)} ${round(point.x)} ${round(point.y)}`
    last = point
  }
  return path
}

const round = (value: number): number => Math.round(value * 10) / 10
