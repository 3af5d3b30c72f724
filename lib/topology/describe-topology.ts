import { present } from '../common/assert.ts'
import type { NodeDefinition } from './node-definition.ts'
import { parentsOf } from './node-definition.ts'
import type { NodeGroup } from './subtopologies.ts'
import { childrenByParent, groupNodes } from './subtopologies.ts'
import type { TopologyDefinition } from './topology-definition.ts'

/**
 * The text of Kafka Streams' `TopologyDescription.toString()`: viewers parse it, and teams compare it before
 * they move an application over. Where Java leaves an order to hash codes (names after arrows, topics,
 * stores), ours is sorted.
 */
export function describeTopology(topology: TopologyDefinition): string {
  // Kafka Streams puts one space after the header line, so the first block stands further in than the others.
  return `Topologies:\n ${groupNodes(topology).map(describeGroup).join('')}`
}

function describeGroup(group: NodeGroup): string {
  const children = childrenByParent(group.nodes)
  const sizes = subtreeSizes(group.nodes, children)
  const nodes = [...group.nodes].sort(
    (left, right) => sizeOf(sizes, right) - sizeOf(sizes, left) || (left.name < right.name ? -1 : 1),
  )
  const lines = nodes.map(node => `    ${describeNode(node, children)}\n`).join('')
  return group.globalStore === undefined
    ? `  Sub-topology: ${group.id}\n${lines}\n`
    : `  Sub-topology: ${group.id} for global store (will not generate tasks)\n${lines}`
}

function describeNode(node: NodeDefinition, children: ReadonlyMap<string, readonly string[]>): string {
  const successors = `\n      --> ${list(children.get(node.name) ?? []) || 'none'}`
  const predecessors = `\n      <-- ${list(parentsOf(node)) || 'none'}`
  switch (node.kind) {
    case 'source':
      return node.pattern
        ? `Source: ${node.name} (topics: ${node.pattern.source})${successors}`
        : `Source: ${node.name} (topics: [${list(node.topics)}])${successors}`
    case 'processor':
      return `Processor: ${node.name} (stores: [${list(node.stores)}])${successors}${predecessors}`
    case 'sink':
      return typeof node.topic === 'string'
        ? `Sink: ${node.name} (topic: ${node.topic})${predecessors}`
        : `Sink: ${node.name} (extractor class: ${node.topic.name || 'anonymous'})${predecessors}`
  }
}

/**
 * A node counts for one and for everything below it, once for every way down: Kafka Streams' measure, which
 * its order depends on.
 */
function subtreeSizes(
  nodes: readonly NodeDefinition[],
  children: ReadonlyMap<string, readonly string[]>,
): ReadonlyMap<string, number> {
  const sizes = new Map<string, number>()
  // Children are added after their parents, so walking backwards finds every child's size ready.
  for (const node of [...nodes].reverse()) {
    const below = (children.get(node.name) ?? []).reduce(
      (sum, child) => sum + present(sizes.get(child), child),
      0,
    )
    sizes.set(node.name, 1 + below)
  }
  return sizes
}

function sizeOf(sizes: ReadonlyMap<string, number>, node: NodeDefinition): number {
  return present(sizes.get(node.name), `size of "${node.name}"`)
}

function list(names: Iterable<string>): string {
  return [...new Set(names)].sort().join(', ')
}
