import { checkName } from '../../graph/node-name.ts'
import { serdes } from '../../../serde/serdes.ts'
import type { StoreBuilder } from '../../../store/contract/state-store.ts'
import type { Aggregator, Initializer, Reducer } from '../../options/functions.ts'
import type { TableStore } from '../../kit/materialized.ts'
import { saysMaterialized, storeBuilder, tableStore } from '../../kit/materialized.ts'
import type { TableOptions } from '../../options/options.ts'
import type { GroupedHandle, StreamHandle, TableHandle } from '../../kit/handles.ts'
import type { TableOperator } from '../../kit/table-operator.ts'
import { processorRole } from '../../kit/add-node.ts'
import { addRepartition, planRepartition } from '../../kit/plan-repartition.ts'
import { StreamAggregate } from './stream-aggregate.ts'
import { StreamReduce } from './stream-reduce.ts'

const AGGREGATE = 'KSTREAM-AGGREGATE-'
const REDUCE = 'KSTREAM-REDUCE-'

/**
 * Adds an aggregation. Numbers are drawn for the store, then for the node, then for the repartition step: the
 * order is part of the names, and so of the topics, of every program that leaves names out.
 */
export function aggregateStream<K, V, A>(
  group: GroupedHandle,
  initializer: Initializer<A>,
  aggregator: Aggregator<K, V, A>,
  options: TableOptions<K, NonNullable<A>> = {},
): TableHandle {
  const { graph, keySerde } = group.stream
  const store = tableStore(graph, options, AGGREGATE, { keySerde, valueSerde: undefined })
  const node = graph.name(options.name, AGGREGATE)
  const owner = { callback: 'a callback of aggregate', node }
  const operator = new StreamAggregate(store.name, initializer, aggregator, owner, store.historyRetentionMs)
  return addAggregation(group, store, node, operator)
}

export function countStream<K>(group: GroupedHandle, options: TableOptions<K, number> = {}): TableHandle {
  const { graph, keySerde } = group.stream
  // Options of a store without a name draw a number that nothing uses, as in Kafka Streams.
  if (saysMaterialized(options) && options.storeName === undefined) graph.newStoreName(AGGREGATE)
  const store = tableStore(graph, options, AGGREGATE, { keySerde, valueSerde: serdes.int64() })
  const node = graph.name(options.name, AGGREGATE)
  const owner = { callback: 'count', node }
  const operator = new StreamAggregate(store.name, () => 0, countOne, owner, store.historyRetentionMs)
  return addAggregation(group, store, node, operator)
}

export function reduceStream<K, V>(
  group: GroupedHandle,
  reducer: Reducer<V, V | null>,
  options: TableOptions<K, V> = {},
): TableHandle {
  const { graph } = group.stream
  const store = tableStore(graph, options, REDUCE, group.stream)
  const node = graph.name(options.name, REDUCE)
  const owner = { callback: 'the reducer of reduce', node }
  const operator = new StreamReduce(store.name, reducer, owner, store.historyRetentionMs)
  return addAggregation(group, store, node, operator)
}

function countOne(count: number): number {
  return count + 1
}

/**
 * Adds an aggregation behind its repartition topic. `store` has the serdes of the table; those it is built
 * with may differ (windows).
 */
export function addAggregation(
  group: GroupedHandle,
  store: TableStore,
  name: string,
  operator: TableOperator,
  ownStore: () => StoreBuilder = () => storeBuilder(store),
): TableHandle {
  const parent = repartitionedGroup(group, store)
  const role = processorRole({ supplier: operator, ownStore })
  return {
    graph: parent.graph,
    node: parent.graph.add(name, role, parent.node),
    name,
    keySerde: store.keySerde,
    valueSerde: store.valueSerde,
    sources: parent.sources,
    operator,
    queryableStoreName: store.queryable ? store.name : undefined,
  }
}

/**
 * The group behind its repartition topic. A grouping that the user named has one for all its aggregations;
 * otherwise each has its own, named after its store.
 */
function repartitionedGroup(
  group: GroupedHandle,
  store: TableStore,
): Pick<StreamHandle, 'graph' | 'node' | 'sources'> {
  const { stream, givenName, namedRepartition } = group
  if (!group.repartitionRequired) return stream
  const { graph, keySerde, valueSerde } = stream
  const topicPrefix = checkName(givenName ?? store.name)
  const planned = planRepartition(graph, { topicPrefix, keySerde, valueSerde })
  const known = givenName === undefined ? undefined : namedRepartition.node
  if (known) graph.connect(stream.node, known)
  const node = known ?? addRepartition(stream, planned)
  namedRepartition.node = node
  return { graph, node, sources: new Set([node.name]) }
}
