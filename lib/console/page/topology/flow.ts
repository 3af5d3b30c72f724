import type { Live } from '../core/api-types.ts'
import type { Graph } from './graph.ts'

/** Records a second through a box or a line; `some`: it moves, and nobody counts how fast. */
export type Flow = number | 'some'

/**
 * How records go through the boxes. Sources and sinks are counted always, processors only at the metrics
 * level `debug`: one that is not moves while something before it does. A source that every process reads has
 * the rate of its topic.
 */
export function flowsOf(graph: Graph, live: Live | undefined): ReadonlyMap<string, Flow> {
  const flows = new Map<string, Flow>()
  if (!live) return flows
  const before = new Map<string, string[]>()
  for (const { from, to } of graph.edges) before.set(to, [...(before.get(to) ?? []), from])
  const boxes = new Map(graph.boxes.map(box => [box.id, box]))
  const flowOf = (id: string, seen: ReadonlySet<string>): Flow => {
    const known = flows.get(id)
    const box = boxes.get(id)
    if (known !== undefined || !box || seen.has(id)) return known ?? 0
    const flow = ownFlow(box.kind === 'topic', box.name, live) ?? inherited(id, new Set([...seen, id]))
    flows.set(id, flow)
    return flow
  }
  const inherited = (id: string, seen: ReadonlySet<string>): Flow => {
    const all = (before.get(id) ?? []).map(each => [each, flowOf(each, seen)] as const)
    const topics = all.flatMap(([each, flow]) => (boxes.get(each)?.kind === 'topic' ? [flow] : []))
    if (topics.length > 0) return topics.reduce<number>((sum, flow) => sum + (flow === 'some' ? 0 : flow), 0)
    return all.some(([, flow]) => isMoving(flow)) ? 'some' : 0
  }
  for (const id of boxes.keys()) flowOf(id, new Set())
  return flows
}

export const isMoving = (flow: Flow | undefined): boolean => flow === 'some' || (flow ?? 0) > 0

/** Of a line: what is known of the end that counts, at a topic; between nodes at most what either gets. */
export function edgeFlow(from: { kind: string; flow: Flow }, to: { kind: string; flow: Flow }): Flow {
  if (from.kind === 'topic') return to.flow
  if (to.kind === 'topic' || to.flow === 'some') return from.flow
  return from.flow === 'some' ? to.flow : Math.min(from.flow, to.flow)
}

function ownFlow(isTopic: boolean, name: string, live: Live): Flow | undefined {
  return isTopic ? live.topics[name]?.rate : live.nodes[name]?.processRate
}
