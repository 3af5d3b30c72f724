import type { Optimization } from '../options/build-options.ts'
import type { Graph } from '../graph/graph.ts'
import type { GraphNode } from '../graph/graph-node.ts'

export interface SelfJoins {
  /** Nodes that would keep the records a second time. */
  readonly superfluous: ReadonlySet<GraphNode>
}

/**
 * Joins of a stream with itself (`single.store.self.join`), of all kinds, as in Kafka Streams: in an
 * optimised one no record is without match.
 */
export function selfJoins(graph: Graph, chosen: ReadonlySet<Optimization>): SelfJoins {
  const superfluous = new Set<GraphNode>()
  if (!chosen.has('single.store.self.join')) return { superfluous }
  for (const { role, parents } of graph.nodes) {
    if (role.kind === 'stream-join' && parents.size === 1) superfluous.add(role.right.window)
  }
  return { superfluous }
}
