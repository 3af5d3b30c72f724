import { present } from '../common/assert.ts'
import type { NodeDefinition } from './node-definition.ts'
import { parentsOf } from './node-definition.ts'
import type { TopologyDefinition } from './topology-definition.ts'

/** Nodes that are connected by records or by a shared store, in the order in which they were added. */
export interface NodeGroup {
  readonly id: number
  /** Set where the group is a source and a processor that fill this global store. */
  readonly globalStore: string | undefined
  readonly nodes: readonly NodeDefinition[]
}

/**
 * Numbered by their first node in the order of addition, as `InternalTopologyBuilder.makeNodeGroups` does;
 * global stores take a number too.
 */
export function groupNodes(topology: TopologyDefinition): NodeGroup[] {
  const byRoot = new Map<string, NodeDefinition[]>()
  for (const node of topology.nodes.values()) {
    const root = topology.groups.root(node.name)
    const group = byRoot.get(root)
    if (group) group.push(node)
    else byRoot.set(root, [node])
  }
  return Array.from(byRoot.values(), (nodes, id) => ({
    id,
    nodes,
    globalStore: globalStoreOf(topology, nodes),
  }))
}

/**
 * Names of children by name of parent: depth-first processing follows the order in which children were added.
 */
export function childrenByParent(nodes: readonly NodeDefinition[]): ReadonlyMap<string, readonly string[]> {
  const children = new Map<string, string[]>(nodes.map(node => [node.name, []]))
  for (const node of nodes) {
    for (const parent of new Set(parentsOf(node)))
      present(children.get(parent), `node "${parent}"`).push(node.name)
  }
  return children
}

/**
 * A processor that only reads a global store is not connected to it, so the connection marks the group that
 * fills it.
 */
function globalStoreOf(topology: TopologyDefinition, nodes: readonly NodeDefinition[]): string | undefined {
  for (const node of nodes) {
    if (node.kind !== 'processor') continue
    for (const store of node.stores) if (topology.globalStores.has(store)) return store
  }
  return undefined
}
