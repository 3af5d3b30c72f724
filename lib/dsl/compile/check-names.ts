import { TopologyError } from '../../common/errors/errors.ts'
import type { TopologyDefinition } from '../../topology/topology-definition.ts'
import type { Graph } from '../graph/graph.ts'

/**
 * Throws where a store or an internal topic has a generated name: the next operator added above it would
 * rename it, and lose its content.
 */
export function checkExplicitNames(graph: Graph, topology: TopologyDefinition): void {
  const built = [...topology.stores.keys()].filter(name => graph.isGenerated(name))
  const stores = [...new Set([...graph.unnamedStores, ...built])]
  const topics = [...topology.repartitionTopics.keys()].filter(topic =>
    graph.isGenerated(topic.replace(/-(repartition|topic)$/, '')),
  )
  const found = [...stores.map(name => `store "${name}"`), ...topics.map(t => `topic "${t}"`)]
  if (found.length === 0) return
  throw new TopologyError(
    'GENERATED_NAME',
    `ensureExplicitInternalResourceNaming is set, but names were generated for ${found.join(', ')}: give the operators ` +
      'behind them a storeName, and the groupings, joins and repartitions a name.',
  )
}
