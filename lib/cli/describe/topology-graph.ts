import type { NodePlan, SubtopologyPlan, TopologyPlan } from '../../topology/plan.ts'

export type BoxKind = 'node' | 'store' | 'topic'

export interface Box {
  /** Kind and number: names may hold what a format gives a meaning. */
  readonly id: string
  readonly kind: BoxKind
  readonly name: string
}

export interface Edge {
  readonly from: string
  readonly to: string
  /** `flow`: records; `state`: a node and its store; `changelog`: a store and the topic that holds it. */
  readonly kind: 'flow' | 'state' | 'changelog'
}

export interface Group {
  readonly id: number
  readonly title: string
  readonly boxes: readonly Box[]
}

/**
 * A topology as boxes and lines, whatever draws them. A topic that two sub-topologies share is one box, and
 * joins them.
 */
export interface TopologyGraph {
  readonly topics: readonly Box[]
  readonly groups: readonly Group[]
  readonly edges: readonly Edge[]
}

export function topologyGraph(plan: TopologyPlan): TopologyGraph {
  const graph = new GraphBuilder()
  for (const each of plan.subtopologies) graph.add(each, `Sub-topology ${each.id}`)
  for (const each of plan.globalSubtopologies) graph.add(each, `Sub-topology ${each.id}, global`)
  return graph
}

class GraphBuilder implements TopologyGraph {
  readonly topics: Box[] = []
  readonly groups: Group[] = []
  readonly edges: Edge[] = []
  readonly #boxes = new Map<string, Box>()

  add({ id, nodes, stores }: SubtopologyPlan, title: string): void {
    const boxes = [
      ...nodes.map(({ name }) => this.#box('node', name)),
      ...stores.map(({ builder }) => this.#box('store', builder.name)),
    ]
    this.groups.push({ id, title, boxes })
    for (const node of nodes) this.#connect(node)
    for (const { builder, changelogTopic, changelogIsSource } of stores) {
      if (changelogTopic === undefined || changelogIsSource) continue
      this.#edge(this.#box('store', builder.name), this.#topic(changelogTopic), 'changelog')
    }
  }

  #connect(node: NodePlan): void {
    const box = this.#box('node', node.name)
    if (node.kind === 'sink') {
      const topic = typeof node.topic === 'string' ? node.topic : 'chosen by the record'
      this.#edge(box, this.#topic(topic), 'flow')
      return
    }
    if (node.kind === 'source') {
      const topics = node.pattern ? [`/${node.pattern.source}/`] : node.topics
      for (const topic of topics) this.#edge(this.#topic(topic), box, 'flow')
    } else for (const store of node.stores) this.#edge(box, this.#box('store', store), 'state')
    for (const child of node.children) this.#edge(box, this.#box('node', child), 'flow')
  }

  #edge(from: Box, to: Box, kind: Edge['kind']): void {
    this.edges.push({ from: from.id, to: to.id, kind })
  }

  #topic(name: string): Box {
    const known = this.#boxes.size
    const box = this.#box('topic', name)
    if (this.#boxes.size > known) this.topics.push(box)
    return box
  }

  #box(kind: BoxKind, name: string): Box {
    const key = `${kind} ${name}`
    const box = this.#boxes.get(key) ?? { id: `${kind}${this.#boxes.size}`, kind, name }
    this.#boxes.set(key, box)
    return box
  }
}
