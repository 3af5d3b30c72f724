import type { Plan, PlanNode, Subtopology } from '../core/api-types.ts'

export type BoxKind = 'topic' | 'source' | 'processor' | 'sink'

export interface GraphBox {
  readonly id: string
  readonly kind: BoxKind
  readonly name: string
  /** Of processors: the stores they read and write. */
  readonly stores: readonly string[]
  readonly node?: PlanNode
  /** The sub-topology it is in; topics are between them. */
  readonly group?: number
}

export interface GraphEdge {
  readonly from: string
  readonly to: string
}

export interface Graph {
  readonly boxes: readonly GraphBox[]
  readonly edges: readonly GraphEdge[]
  readonly groups: readonly { readonly id: number; readonly title: string }[]
}

/** Whether it is the library's own, which brings commands to the operators. */
export const isInternal = ({ nodes }: Subtopology): boolean =>
  nodes.every(({ name }) => name.startsWith('millrace-'))

const CHOSEN = 'chosen by the record'

/** The plan as boxes and lines: a topic that two sub-topologies share is one box, and joins them. */
export function graphOf(plan: Plan, { withInternal }: { readonly withInternal: boolean }): Graph {
  const shown = plan.subtopologies.filter(each => withInternal || !isInternal(each))
  const boxes = new Map<string, GraphBox>()
  const edges: GraphEdge[] = []
  const topic = (name: string): string => {
    const id = `topic ${name}`
    boxes.set(id, { id, kind: 'topic', name, stores: [] })
    return id
  }
  for (const { id: group, nodes } of shown) {
    for (const node of nodes) {
      const id = `node ${node.name}`
      boxes.set(id, { id, kind: node.kind, name: node.name, stores: node.stores ?? [], node, group })
      for (const child of node.children ?? []) edges.push({ from: id, to: `node ${child}` })
      for (const name of topicsOf(node)) edges.push({ from: topic(name), to: id })
      if (node.kind === 'sink') edges.push({ from: id, to: topic(node.topic ?? CHOSEN) })
    }
  }
  return { boxes: [...boxes.values()], edges, groups: shown.map(titled) }
}

function topicsOf(node: PlanNode): readonly string[] {
  if (node.kind !== 'source') return []
  return node.pattern ? [`/${node.pattern}/`] : (node.topics ?? [])
}

const titled = ({ id, global }: Subtopology) => ({
  id,
  title: `Sub-topology ${id}${global ? ', in every process' : ''}`,
})
