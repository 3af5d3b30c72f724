import { useMemo } from 'preact/hooks'
import type { Live, Plan } from '../core/api-types.ts'
import { short } from '../core/format.ts'
import { graphOf } from './graph.ts'
import { layOut, type Direction, type PlacedGroup } from './lay-out.ts'
import { BoxView } from './box-view.tsx'
import type { Choice } from './choice.ts'
import { EdgeView } from './edge-view.tsx'
import { flowsOf } from './flow.ts'

interface TopologyViewProps {
  readonly plan: Plan
  readonly live: Live | undefined
  readonly direction: Direction
  readonly withInternal: boolean
  /** All of it in its frame, however small. */
  readonly isWhole: boolean
  readonly chosen?: Choice | undefined
  readonly onChoose: (choice: Choice) => void
}

/** How small a drawing may become before it is moved under its frame instead. */
const SMALLEST = 0.8

/** The running plan, drawn, with live numbers on it. */
export function TopologyView(props: TopologyViewProps) {
  const { plan, live, direction, withInternal, isWhole, chosen, onChoose } = props
  const graph = useMemo(() => graphOf(plan, { withInternal }), [plan, withInternal])
  const layout = useMemo(() => layOut(graph, direction), [graph, direction])
  const flows = flowsOf(graph, live)
  const byId = new Map(layout.boxes.map(box => [box.id, box]))
  const { width, height } = layout
  return (
    <div class="topology" tabIndex={0} role="group" aria-label="Topology">
      <svg
        width={width}
        height={height}
        viewBox={`0 0 ${width} ${height}`}
        style={{ minWidth: isWhole ? '0' : `${Math.round(width * SMALLEST)}px` }}
      >
        <Markers />
        {layout.groups.map(group => (
          <GroupView key={group.id} group={group} live={live} />
        ))}
        {layout.edges.map(edge => (
          <EdgeView
            key={`${edge.from} ${edge.to}`}
            edge={edge}
            from={byId.get(edge.from)!}
            to={byId.get(edge.to)!}
            live={live}
            flows={flows}
            direction={direction}
          />
        ))}
        {layout.boxes.map(box => (
          <BoxView key={box.id} box={box} live={live} chosen={chosen} onChoose={onChoose} />
        ))}
      </svg>
    </div>
  )
}

function Markers() {
  return (
    <defs>
      {['still', 'moving'].map(kind => (
        <marker
          key={kind}
          id={`arrow-${kind}`}
          class={`arrow ${kind}`}
          viewBox="0 0 8 8"
          refX="7"
          refY="4"
          markerWidth="7"
          markerHeight="7"
          markerUnits="userSpaceOnUse"
          orient="auto"
        >
          <path d="M0.5 1 7 4 0.5 7z" />
        </marker>
      ))}
    </defs>
  )
}

function GroupView({ group, live }: { readonly group: PlacedGroup; readonly live: Live | undefined }) {
  const { id, title, x, y, width, height } = group
  const tasks = live?.tasks.filter(task => task.id.startsWith(`${id}_`)) ?? []
  const restoring = tasks.filter(({ state }) => state === 'restoring').length
  const about =
    restoring > 0
      ? `${restoring} of ${tasks.length} tasks restoring`
      : tasks.length > 0
        ? `${short(tasks.length)} ${tasks.length === 1 ? 'task' : 'tasks'}`
        : ''
  return (
    <g class={`group ${restoring > 0 ? 'restoring' : ''}`}>
      <rect x={x} y={y} width={width} height={height} rx="12" />
      <text x={x + 14} y={y + 20}>
        {title}
        {about && <tspan dx="8">{about}</tspan>}
      </text>
    </g>
  )
}
