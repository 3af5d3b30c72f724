import type { Live } from '../core/api-types.ts'
import { rate, short } from '../core/format.ts'
import { edgeFlow, isMoving, type Flow } from './flow.ts'
import type { Direction, PlacedBox, PlacedEdge, Point } from './lay-out.ts'

interface EdgeViewProps {
  readonly edge: PlacedEdge
  readonly from: PlacedBox
  readonly to: PlacedBox
  readonly live: Live | undefined
  readonly flows: ReadonlyMap<string, Flow>
  readonly direction: Direction
}

/** The way of records: the more of them, the thicker; lag stands where a topic is read. */
export function EdgeView({ edge, from, to, live, flows, direction }: EdgeViewProps) {
  const end = (box: PlacedBox) => ({ kind: box.kind, flow: flows.get(box.id) ?? 0 })
  const flow = edgeFlow(end(from), end(to))
  const perSecond = flow === 'some' ? 1 : flow
  const moves = isMoving(flow)
  const lag = from.kind === 'topic' ? (live?.topics[from.name]?.lag ?? null) : null
  const middle = middleOf(edge.points)
  const isLabelled = from.kind === 'topic' || to.kind === 'topic'
  return (
    <g class={`edge ${moves ? 'moving' : 'still'}`}>
      <path
        d={curve(edge.points, direction)}
        style={{ strokeWidth: `${1.2 + Math.min(Math.log10(1 + perSecond), 4) * 0.55}px` }}
        marker-end={`url(#arrow-${moves ? 'moving' : 'still'})`}
      />
      {isLabelled && moves && flow !== 'some' && (
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
