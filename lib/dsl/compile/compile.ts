import type { StreamPartitioner } from '../../processor/stream-partitioner.ts'
import { failOnInvalidTimestamp } from '../../processor/timestamp-extractor.ts'
import type { ProcessorSupplier } from '../../processor/processor.ts'
import type { ProcessorWrapper } from '../../processor/processor-wrapper.ts'
import type { StoreBuilder } from '../../store/contract/state-store.ts'
import type { SourceDefinition } from '../../topology/node-definition.ts'
import { checkCoPartitioned } from '../../topology/plan-topology.ts'
import { TopologyDefinition } from '../../topology/topology-definition.ts'
import type { ConsumedOptions } from '../options/options.ts'
import { nullKeyFilter, passThrough } from '../kit/pass.ts'
import type { Graph } from '../graph/graph.ts'
import type {
  GraphNode,
  OwnSourceDefinition,
  ProcessorRole,
  RepartitionRole,
  SinkRole,
  StreamJoinRole,
  TableJoinRole,
  TableSourceRole,
  TopicStoreRole,
} from '../graph/graph-node.ts'
import type { Optimization } from '../options/build-options.ts'
import { checkSchedules } from './check-schedules.ts'
import { addControl } from './control-source.ts'
import { keepingNullKeys } from './optimize.ts'
import { keyPartitioner } from '../kit/key-partitioner.ts'
import type { SelfJoins } from './self-joins.ts'
import { selfJoins } from './self-joins.ts'

/** Writes the plan as nodes of a topology. May be called again: the plan is not changed. */
export function compile(
  graph: Graph,
  chosen: ReadonlySet<Optimization>,
  processorWrapper?: ProcessorWrapper,
): TopologyDefinition {
  const topology = new TopologyDefinition(processorWrapper)
  const keepNullKeys = keepingNullKeys(graph)
  const overOneStore = selfJoins(graph, chosen)
  for (const node of inWritingOrder(graph)) {
    if (overOneStore.superfluous.has(node)) continue
    topology.site = node.site
    if (node.role.kind === 'stream-join') writeStreamJoin(topology, node, node.role, overOneStore)
    else write(topology, node, keepNullKeys.has(node))
    if (chosen.has('reuse.ktable.source.topics')) reuseSourceTopic(topology, node)
  }
  topology.site = undefined
  checkSchedules(topology)
  if (hasControl(topology)) addControl(topology)
  for (const sources of graph.coPartitioned) {
    topology.coPartition(Array.from(sources, name => graph.mergedSources.get(name) ?? name))
  }
  checkCoPartitioned(topology)
  return topology
}

function hasControl({ nodes }: TopologyDefinition): boolean {
  return [...nodes.values()].some(node => node.kind === 'processor' && node.control)
}

/**
 * Nodes by priority, but each after all its parents: the order in which Kafka Streams writes, and so numbers
 * sub-topologies.
 */
function inWritingOrder(graph: Graph): GraphNode[] {
  const written = new Set<GraphNode>()
  const waiting = new Set<GraphNode>([graph.root])
  while (waiting.size > 0) {
    const node = first(waiting)
    waiting.delete(node)
    if (![...node.parents].every(parent => written.has(parent))) continue
    if (written.has(node)) continue
    written.add(node)
    for (const child of node.children) waiting.add(child)
  }
  return [...written]
}

/** The waiting node with the first priority, found by a scan, since plans have tens of nodes. */
function first(waiting: ReadonlySet<GraphNode>): GraphNode {
  let best: GraphNode | undefined
  for (const node of waiting) if (!best || node.priority < best.priority) best = node
  return best as GraphNode
}

function write(topology: TopologyDefinition, node: GraphNode, keepNullKeys: boolean): void {
  const { name, role } = node
  const parents = Array.from(node.parents, parent => parent.name)
  switch (role.kind) {
    case 'root':
    case 'stream-join':
      return
    case 'stream-source':
      return topology.addSource({
        ...sourceDefinition(name, role.topics, role.consumed),
        pattern: role.pattern,
      })
    case 'own-source':
      return writeOwnSource(topology, role.source)
    case 'table-source':
      return writeTableSource(topology, name, role)
    case 'processor':
      return writeProcessor(topology, name, role, parents)
    case 'table-join':
      return writeTableJoin(topology, name, role)
    case 'repartition':
      return writeRepartition(topology, name, role, parents, keepNullKeys)
    case 'sink':
      return writeSink(topology, name, role, parents)
    case 'store':
      return topology.addStore(role.builder)
    case 'read-only-store':
      return writeReadOnlyStore(topology, name, role)
    case 'global-store':
      return topology.addGlobalStore(
        role.builder,
        {
          ...sourceDefinition(role.sourceName, [role.topic], role.consumed),
          own: role.own,
          ...(role.mustBeCompacted && { mustBeCompacted: true }),
        },
        { kind: 'processor', name, parents: [role.sourceName], supplier: role.supplier, stores: new Set() },
      )
  }
}

/**
 * The store of a table is restored from the topic that the table is read from, so it needs no changelog of
 * its own.
 */
function reuseSourceTopic(topology: TopologyDefinition, { role }: GraphNode): void {
  if (role.kind !== 'table-source') return
  const store = role.ownStore()
  if (store) topology.readStoreFromTopic(store.name, role.topic)
}

function writeReadOnlyStore(topology: TopologyDefinition, name: string, role: TopicStoreRole): void {
  topology.addSource(sourceDefinition(role.sourceName, [role.topic], role.consumed))
  addProcessor(topology, name, [role.sourceName], role.supplier)
  topology.addStore(role.builder)
  topology.connect(name, role.builder.name)
  topology.readStoreFromTopic(role.builder.name, role.topic)
}

function writeTableSource(topology: TopologyDefinition, name: string, role: TableSourceRole): void {
  topology.addSource(sourceDefinition(role.sourceName, [role.topic], role.consumed))
  addProcessor(topology, name, [role.sourceName], role.supplier)
  addOwnStore(topology, name, role)
}

function writeProcessor(
  topology: TopologyDefinition,
  name: string,
  role: ProcessorRole,
  parents: readonly string[],
): void {
  const { ownSource } = role
  if (ownSource) writeOwnSource(topology, ownSource)
  addProcessor(topology, name, ownSource ? [...parents, ownSource.name] : parents, role.supplier, role)
  for (const store of role.stores) topology.connect(name, store)
  addOwnStore(topology, name, role)
}

/** All of the topic is for the application: it is read from its beginning. */
function writeOwnSource(topology: TopologyDefinition, source: OwnSourceDefinition): void {
  topology.addSource({ kind: 'source', pattern: undefined, offsetReset: 'earliest', ...source })
}

function writeSink(
  topology: TopologyDefinition,
  name: string,
  role: SinkRole,
  parents: readonly string[],
): void {
  const { topic, keySerde, valueSerde } = role
  const partitioner = role.partitioner ?? keyPartitioner(keySerde)
  if (role.internal && typeof topic === 'string') {
    topology.addRepartitionTopic(topic, { partitionCount: undefined })
  }
  topology.addSink({
    kind: 'sink',
    name,
    parents,
    topic,
    isOwn: role.isOwn,
    keySerde,
    valueSerde,
    partitioner,
  })
}

/**
 * Adds processors first, then their stores: caches are flushed in the order in which processors were added.
 */
function writeTableJoin(topology: TopologyDefinition, name: string, role: TableJoinRole): void {
  const sides = [role.left, role.right]
  for (const side of sides) addProcessor(topology, side.name, [side.parent], side.supplier)
  addProcessor(
    topology,
    name,
    sides.map(side => side.name),
    role.merger,
  )
  for (const side of sides) for (const store of side.stores) topology.connect(side.name, store)
  addOwnStore(topology, name, role)
}

function writeStreamJoin(
  topology: TopologyDefinition,
  { name }: GraphNode,
  { left, right, merger, unmatchedStore, selfJoin }: StreamJoinRole,
  overOneStore: SelfJoins,
): void {
  if (overOneStore.superfluous.has(right.window)) {
    addProcessor(topology, name, [left.window.name], selfJoin)
    return shareStore(topology, left.store, [left.window.name, name])
  }
  for (const side of [left, right]) addProcessor(topology, side.name, [side.window.name], side.supplier)
  addProcessor(topology, name, [left.name, right.name], merger)
  shareStore(topology, left.store, [left.window.name, right.name])
  shareStore(topology, right.store, [right.window.name, left.name])
  if (unmatchedStore) shareStore(topology, unmatchedStore, [left.name, right.name])
}

function shareStore(topology: TopologyDefinition, builder: StoreBuilder, nodes: readonly string[]): void {
  topology.addStore(builder)
  for (const node of nodes) topology.connect(node, builder.name)
}

function writeRepartition(
  topology: TopologyDefinition,
  name: string,
  role: RepartitionRole,
  parents: readonly string[],
  keepNullKeys: boolean,
): void {
  const { filterName, sinkName, topic, keySerde, valueSerde, partitioner, partitionCount } = role
  topology.addRepartitionTopic(topic, { partitionCount })
  if (filterName !== undefined) {
    addProcessor(topology, filterName, parents, keepNullKeys ? passThrough : nullKeyFilter)
  }
  topology.addSink({
    kind: 'sink',
    name: sinkName,
    parents: filterName === undefined ? parents : [filterName],
    topic,
    keySerde,
    valueSerde,
    partitioner: partitioner as StreamPartitioner | undefined,
  })
  // The records have the timestamps that the first source gave them, so the user's extractor is not asked
  // again.
  topology.addSource({
    kind: 'source',
    name,
    topics: [topic],
    pattern: undefined,
    keySerde,
    valueSerde,
    timestampExtractor: failOnInvalidTimestamp,
    offsetReset: undefined,
  })
}

function addProcessor(
  topology: TopologyDefinition,
  name: string,
  parents: readonly string[],
  supplier: ProcessorSupplier,
  { ownTopics, control, schedule }: Pick<ProcessorRole, 'ownTopics' | 'control' | 'schedule'> = {},
): void {
  const stores = new Set<string>()
  const added = topology.addProcessor({
    kind: 'processor',
    name,
    parents,
    supplier,
    stores,
    ownTopics,
    control,
    schedule,
  })
  for (const builder of added.stores ?? []) {
    topology.addStore(builder)
    topology.connect(name, builder.name)
  }
}

/**
 * Adds a table's own store. Called only when the plan is written: a later operator may have made the table
 * keep one.
 */
function addOwnStore(
  topology: TopologyDefinition,
  name: string,
  role: Pick<ProcessorRole, 'ownStore'>,
): void {
  const builder = role.ownStore?.()
  if (!builder) return
  topology.addStore(builder)
  topology.connect(name, builder.name)
}

function sourceDefinition(
  name: string,
  topics: readonly string[],
  consumed: ConsumedOptions<unknown, unknown>,
): SourceDefinition {
  const { keySerde, valueSerde, timestampExtractor, offsetReset } = consumed
  const pattern = undefined
  return { kind: 'source', name, topics, pattern, keySerde, valueSerde, timestampExtractor, offsetReset }
}
