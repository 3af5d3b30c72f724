import { TopologyError } from '../../common/errors/errors.ts'
import type { Optimization } from '../options/build-options.ts'
import { mergeRepartitions } from './merge-repartitions.ts'
import type { Graph } from '../graph/graph.ts'
import type { GraphNode, StreamSourceRole } from '../graph/graph-node.ts'

/** Rewrites the plan before it is written. Merging sources is always on, as in Kafka Streams. */
export function optimize(graph: Graph, chosen: ReadonlySet<Optimization>, seesProcess: boolean): void {
  mergeStreamSources(graph)
  if (chosen.has('merge.repartition.topics')) mergeRepartitions(graph, seesProcess)
}

/** Repartition nodes below which, before the next topic or store, records without key still matter. */
export function keepingNullKeys(graph: Graph): ReadonlySet<GraphNode> {
  const keeping = new Set<GraphNode>()
  const visited = new Set<GraphNode>()
  const visit = (node: GraphNode): void => {
    if (visited.has(node)) return
    visited.add(node)
    for (const child of node.children) {
      visit(child)
      if (acceptsNullKeys(child) || keeping.has(child)) keeping.add(node)
    }
  }
  visit(graph.root)
  return keeping
}

function acceptsNullKeys(node: GraphNode): boolean {
  const { role } = node
  return (role.kind === 'processor' || role.kind === 'stream-join') && role.acceptsNullKeys
}

/**
 * Makes one source node of several streams of the same topics, since a topic has one; the first one's serdes
 * are used.
 */
function mergeStreamSources(graph: Graph): void {
  const owners = new Map<string, { node: GraphNode; role: StreamSourceRole }>()
  for (const node of [...graph.root.children]) {
    const { role } = node
    if (role.kind !== 'stream-source') continue
    const read = role.pattern ? [`pattern ${role.pattern}`] : role.topics
    const owner = read.map(topic => owners.get(topic)).find(found => found !== undefined)
    if (!owner) {
      for (const topic of read) owners.set(topic, { node, role })
      continue
    }
    checkMergeable(owner.role, role)
    moveChildren(graph, node, owner.node)
  }
}

function checkMergeable(left: StreamSourceRole, right: StreamSourceRole): void {
  const leftTopics = [...new Set(left.topics)].sort().join(', ')
  const rightTopics = [...new Set(right.topics)].sort().join(', ')
  if (leftTopics !== rightTopics) {
    throw new TopologyError(
      'TOPIC_READ_TWICE',
      `two streams read overlapping but unequal topics, [${leftTopics}] and [${rightTopics}]: read each topic in one stream and merge.`,
    )
  }
  if (left.consumed.offsetReset !== right.consumed.offsetReset) {
    throw new TopologyError(
      'OFFSET_RESET_DIFFERS',
      `two streams of [${leftTopics}] have different offsetReset settings: give both the same.`,
    )
  }
}

/**
 * Moves children, with their priorities: they are still written in the order in which they were added, so
 * merging changes no other number.
 */
function moveChildren(graph: Graph, from: GraphNode, to: GraphNode): void {
  for (const child of from.children) {
    child.parents.delete(from)
    child.parents.add(to)
    to.children.add(child)
  }
  from.children.clear()
  graph.root.children.delete(from)
  graph.mergedSources.set(from.name, to.name)
}
