import type { StreamPartitioner } from '../../processor/stream-partitioner.ts'
import type { Serde } from '../../serde/serde.ts'
import type { GraphNode, RepartitionRole } from '../graph/graph-node.ts'
import type { Graph } from '../graph/graph.ts'
import type { StreamHandle } from './handles.ts'

const SUFFIX = '-repartition'

export interface RepartitionSettings {
  /** Name of the topic, without suffix: given by the user, or the generated name of a node or store. */
  readonly topicPrefix: string
  readonly keySerde: Serde<unknown> | undefined
  readonly valueSerde: Serde<unknown> | undefined
  readonly partitioner?: StreamPartitioner | undefined
  readonly partitionCount?: number | undefined
  /** Whether the topic may be merged, see `RepartitionRole`. Default true. */
  readonly optimizable?: boolean
}

/**
 * The names and settings of a repartition step, not in the graph yet. Drawing three numbers each time is part
 * of Kafka Streams' numbering.
 */
export interface PlannedRepartition {
  readonly sourceName: string
  readonly role: RepartitionRole
}

export function planRepartition(graph: Graph, settings: RepartitionSettings): PlannedRepartition {
  const { topicPrefix, keySerde, valueSerde, partitioner, partitionCount, optimizable = true } = settings
  const topic = topicPrefix.endsWith(SUFFIX) ? topicPrefix : topicPrefix + SUFFIX
  const sinkName = graph.newName('KSTREAM-SINK-')
  const filterName = graph.newName('KSTREAM-FILTER-')
  const sourceName = graph.newName('KSTREAM-SOURCE-')
  const common = {
    kind: 'repartition',
    topic,
    keySerde,
    valueSerde,
    partitioner,
    partitionCount,
    optimizable,
  } as const
  // A topic named after a generated node name gets nodes with generated names, all others are named after the
  // topic.
  return /^KSTREAM.*-[0-9]{10}$/.test(topicPrefix)
    ? { sourceName, role: { ...common, sinkName, filterName } }
    : {
        sourceName: `${topic}-source`,
        role: { ...common, sinkName: `${topic}-sink`, filterName: `${topic}-filter` },
      }
}

export function addRepartition(parent: StreamHandle, planned: PlannedRepartition): GraphNode {
  return parent.graph.add(planned.sourceName, planned.role, parent.node)
}

/** The stream after a repartition node. */
export function behindRepartition(
  stream: StreamHandle,
  node: GraphNode,
  sourceName: string,
  serdes: RepartitionSettings,
): StreamHandle {
  return {
    graph: stream.graph,
    node,
    name: sourceName,
    keySerde: serdes.keySerde,
    valueSerde: serdes.valueSerde,
    sources: new Set([sourceName]),
    repartitionRequired: false,
    joinRepartition: {},
  }
}
