import { present } from '../../common/assert.ts'
import { TopologyError } from '../../common/errors/errors.ts'
import type { Serde } from '../../serde/serde.ts'
import { planRepartition } from '../kit/plan-repartition.ts'
import type { ProcessorRole } from '../graph/graph-node.ts'
import type { Graph } from '../graph/graph.ts'
import { GraphNode } from '../graph/graph-node.ts'

type Repartitions = Map<GraphNode, Set<GraphNode>>

/**
 * Merges repartition topics (`merge.repartition.topics`): where several operators repartition after one
 * change of the key, one topic right below that change serves them all. It has the name of the first. Filters
 * in between then stand behind the topic, so more records go through it; a change of the value in between
 * prevents it, since the topic would need other serdes.
 */
export function mergeRepartitions(graph: Graph, seesProcess: boolean): void {
  for (const [changer, repartitions] of underMerges(graph, byKeyChange(graph, seesProcess))) {
    if (repartitions.size > 0) replace(graph, changer, [...repartitions])
  }
}

/**
 * Repartition nodes by the change of the key that makes them necessary, in the order in which both were
 * added.
 */
function byKeyChange(graph: Graph, seesProcess: boolean): Repartitions {
  const seen = ({ role }: GraphNode) => role.kind === 'processor' && (seesProcess || !role.ofProcess)
  const changesKey = (node: GraphNode) => seen(node) && (node.role as ProcessorRole).changesKey
  const changesValue = (node: GraphNode) => seen(node) && (node.role as ProcessorRole).changesValue
  const found: Repartitions = new Map()
  for (const node of graph.nodes) {
    if (changesKey(node)) found.set(node, new Set())
    if (node.role.kind !== 'repartition' || !node.role.optimizable) continue
    const changer = nearest(node, changesKey)
    const barrier = nearest(node, above => changesKey(above) || changesValue(above))
    if (changer && changer === barrier) found.get(changer)?.add(node)
  }
  return found
}

/**
 * Moves topics below a merge where keys changed above it, since the other branch must go through the topic as
 * well.
 */
function underMerges(graph: Graph, found: Repartitions): Repartitions {
  const merges = graph.nodes.filter(node => node.role.kind === 'processor' && node.role.merges)
  const covered = new Map(merges.map(merge => [merge, changersAbove(merge, found)]))
  for (const [merge, changers] of covered) {
    found.set(merge, new Set(changers.flatMap(changer => [...(found.get(changer) ?? [])])))
  }
  for (const changers of covered.values()) for (const changer of changers) found.delete(changer)
  return found
}

function changersAbove(merge: GraphNode, found: Repartitions): GraphNode[] {
  return [...found].flatMap(([changer, repartitions]) => {
    const allBelow = [...repartitions].every(node => nearest(node, above => above.parents.has(merge)))
    return allBelow && nearest(merge, above => above.parents.has(changer)) ? [changer] : []
  })
}

/**
 * Puts one repartition node in the place of all of them. Its priority is that of the key change, so that it
 * is written before the nodes below.
 */
function replace(graph: Graph, changer: GraphNode, repartitions: readonly GraphNode[]): void {
  const single = singleRepartition(graph, repartitions)
  single.priority = changer.priority
  for (const node of repartitions) {
    const top = nearest(node, above => above.parents.has(changer))
    if (!top) throw sharedWay(changer, node)
    link(single, top)
    unlink(changer, top)
    for (const child of [...node.children]) {
      for (const parent of node.parents) link(parent, child)
      unlink(node, child)
    }
    for (const parent of [...node.parents]) unlink(parent, node)
    graph.mergedSources.set(node.name, single.name)
  }
  link(changer, single)
}

/**
 * The error where one operator would need two topics below it, which cannot become one above it: as in Kafka
 * Streams.
 */
function sharedWay(changer: GraphNode, node: GraphNode): TopologyError {
  return new TopologyError(
    'REPARTITIONS_NOT_MERGEABLE',
    `merge.repartition.topics cannot merge "${node.name}" with another repartition, since both follow the same operator below ` +
      `"${changer.name}": put repartition() right after the change of the key, or build without this optimization.`,
  )
}

function singleRepartition(graph: Graph, repartitions: readonly GraphNode[]): GraphNode {
  const roles = repartitions.flatMap(({ role }) => (role.kind === 'repartition' ? [role] : []))
  const firstOf = (serdes: readonly (Serde<unknown> | undefined)[]) =>
    serdes.find(serde => serde !== undefined)
  const { sourceName, role } = planRepartition(graph, {
    topicPrefix: present(roles[0], 'repartition').topic,
    keySerde: firstOf(roles.map(({ keySerde }) => keySerde)),
    valueSerde: firstOf(roles.map(({ valueSerde }) => valueSerde)),
  })
  return new GraphNode(sourceName, role)
}

/**
 * The node itself or the nearest above it that fits. Where several ways lead up and no direct parent fits,
 * the last way decides, as in Kafka Streams: merging, and so the names of topics, depend on it.
 */
function nearest(node: GraphNode, fits: (node: GraphNode) => boolean): GraphNode | undefined {
  if (fits(node)) return node
  let found: GraphNode | undefined
  for (const parent of node.parents) {
    if (fits(parent)) return parent
    found = nearest(parent, fits)
  }
  return found
}

function link(parent: GraphNode, child: GraphNode): void {
  parent.children.add(child)
  child.parents.add(parent)
}

function unlink(parent: GraphNode, child: GraphNode): void {
  parent.children.delete(child)
  child.parents.delete(parent)
}
