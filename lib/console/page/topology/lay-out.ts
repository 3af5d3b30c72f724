import dagre from '@dagrejs/dagre'
import { nodeLabel } from '../core/labels.ts'
import type { Graph, GraphBox } from './graph.ts'

export interface Point {
  readonly x: number
  readonly y: number
}

/** A box in its place, from its top left corner. */
export interface PlacedBox extends GraphBox, Point {
  readonly width: number
  readonly height: number
}

export interface PlacedEdge {
  readonly from: string
  readonly to: string
  readonly points: readonly Point[]
}

export interface PlacedGroup extends Point {
  readonly id: number
  readonly title: string
  readonly width: number
  readonly height: number
}

export interface Layout {
  readonly boxes: readonly PlacedBox[]
  readonly edges: readonly PlacedEdge[]
  readonly groups: readonly PlacedGroup[]
  readonly width: number
  readonly height: number
}

export type Direction = 'LR' | 'TB'

export const ROW_HEIGHT = 22
const HEAD_HEIGHT = 44
/** Sources and sinks are where a sub-topology meets a topic, whose name stands beside them. */
export const PORT = 30
const CHARACTER = 7.7
const MARGIN = 16
const PADDING = 14
const TITLE_HEIGHT = 22

/** From left to right, or on a narrow page from top to bottom; each sub-topology in a frame of its own. */
export function layOut(graph: Graph, direction: Direction): Layout {
  const drawing = new dagre.graphlib.Graph({ compound: true })
  const isWide = direction === 'LR'
  drawing.setGraph({
    rankdir: direction,
    nodesep: isWide ? 26 : 30,
    ranksep: isWide ? 44 : 40,
    edgesep: 14,
    marginx: MARGIN,
    marginy: MARGIN,
  })
  drawing.setDefaultEdgeLabel(() => ({}))
  for (const { id } of graph.groups) drawing.setNode(`group ${id}`, {})
  for (const box of graph.boxes) {
    drawing.setNode(box.id, sizeOf(box))
    if (box.group !== undefined) drawing.setParent(box.id, `group ${box.group}`)
  }
  for (const { from, to } of graph.edges) drawing.setEdge(from, to, { minlen: 1 })
  dagre.layout(drawing)
  const boxes = graph.boxes.map(box => ({ ...box, ...cornered(drawing.node(box.id)) }))
  const edges = drawing.edges().map(edge => ({
    from: edge.v,
    to: edge.w,
    points: (drawing.edge(edge) as { points?: readonly Point[] }).points ?? [],
  }))
  return framed(graph, boxes, edges)
}

/** Frames around the boxes themselves: those of the layout leave room that nothing needs. */
function framed(graph: Graph, boxes: readonly PlacedBox[], edges: readonly PlacedEdge[]): Layout {
  const groups = graph.groups.map(({ id, title }) => {
    const inside = boxes.filter(({ group }) => group === id)
    const [left, top] = [Math.min(...inside.map(({ x }) => x)), Math.min(...inside.map(({ y }) => y))]
    const right = Math.max(...inside.map(({ x, width }) => x + width))
    const bottom = Math.max(...inside.map(({ y, height }) => y + height))
    return {
      id,
      title,
      x: left - PADDING,
      y: top - PADDING - TITLE_HEIGHT,
      width: Math.max(right - left + 2 * PADDING, CHARACTER * title.length),
      height: bottom - top + 2 * PADDING + TITLE_HEIGHT,
    }
  })
  const all = [...boxes, ...groups]
  const shift = Math.max(0, MARGIN - Math.min(...all.map(({ y }) => y)))
  const down = <T extends Point>(place: T): T => ({ ...place, y: place.y + shift })
  return {
    boxes: boxes.map(down),
    groups: groups.map(down),
    edges: edges.map(edge => ({ ...edge, points: edge.points.map(down) })),
    width: Math.max(...all.map(({ x, width }) => x + width), 0) + MARGIN,
    height: Math.max(...all.map(({ y, height }) => y + height), 0) + shift + MARGIN,
  }
}

function sizeOf({ kind, name, stores }: GraphBox): { width: number; height: number } {
  if (kind === 'source' || kind === 'sink') return { width: PORT, height: PORT }
  const label = kind === 'topic' ? name : nodeLabel(name)
  const widest = Math.max(label.length * CHARACTER + 50, ...stores.map(store => store.length * 6.9 + 90))
  const width = Math.min(Math.max(widest, 112), 270)
  return { width, height: HEAD_HEIGHT + stores.length * ROW_HEIGHT + (stores.length > 0 ? 6 : 0) }
}

function cornered({ x, y, width, height }: { x: number; y: number; width: number; height: number }) {
  return { x: x - width / 2, y: y - height / 2, width, height }
}
