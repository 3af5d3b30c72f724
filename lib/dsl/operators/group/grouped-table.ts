import { serdes } from '../../../serde/serdes.ts'
import { changeSerde } from '../../kit/change-serde.ts'
import type { TableAggregateFunctions, TableReduceFunctions } from '../../options/functions.ts'
import type { GraphNode } from '../../graph/graph-node.ts'
import { checkName } from '../../graph/node-name.ts'
import type { TableStore } from '../../kit/materialized.ts'
import { storeBuilder, tableStore } from '../../kit/materialized.ts'
import type { TableOptions } from '../../options/options.ts'
import type { GroupedTableHandle, TableHandle } from '../../kit/handles.ts'
import type { TableOperator } from '../../kit/table-operator.ts'
import { processorRole } from '../../kit/add-node.ts'
import { TableAggregate } from './table-aggregate.ts'
import { TableReduce } from './table-reduce.ts'

const AGGREGATE = 'KTABLE-AGGREGATE-'
const REDUCE = 'KTABLE-REDUCE-'

export function aggregateTable<K, V, A>(
  group: GroupedTableHandle,
  functions: TableAggregateFunctions<K, V, A>,
  options: TableOptions<K, NonNullable<A>> = {},
): TableHandle {
  const store = tableStore(group.graph, options, AGGREGATE, {
    keySerde: group.keySerde,
    valueSerde: undefined,
  })
  return addAggregation(
    group,
    store,
    AGGREGATE,
    options.name,
    node =>
      new TableAggregate(
        store.name,
        functions,
        { callback: 'a callback of aggregate', node },
        store.historyRetentionMs,
      ),
  )
}

export function countTable<K>(group: GroupedTableHandle, options: TableOptions<K, number> = {}): TableHandle {
  const store = tableStore(group.graph, options, AGGREGATE, {
    keySerde: group.keySerde,
    valueSerde: serdes.int64(),
  })
  return addAggregation(
    group,
    store,
    AGGREGATE,
    options.name,
    node => new TableAggregate(store.name, COUNT, { callback: 'count', node }, store.historyRetentionMs),
  )
}

/** Reduces a grouped table. The store of an unnamed reduction is called AGGREGATE, as in Kafka Streams. */
export function reduceTable<K, V>(
  group: GroupedTableHandle,
  functions: TableReduceFunctions<V>,
  options: TableOptions<K, V> = {},
): TableHandle {
  const store = tableStore(group.graph, options, AGGREGATE, group)
  return addAggregation(
    group,
    store,
    REDUCE,
    options.name,
    node =>
      new TableReduce(
        store.name,
        functions,
        { callback: 'a callback of reduce', node },
        store.historyRetentionMs,
      ),
  )
}

const COUNT: TableAggregateFunctions<unknown, unknown, number> = {
  initializer: () => 0,
  adder: count => count + 1,
  subtractor: count => count - 1,
}

function addAggregation(
  group: GroupedTableHandle,
  store: TableStore,
  prefix: string,
  givenName: string | undefined,
  operatorOf: (node: string) => TableOperator,
): TableHandle {
  const { graph } = group
  const sinkName = graph.name(givenName, 'KSTREAM-SINK-', '-sink')
  const sourceName = graph.name(givenName, 'KSTREAM-SOURCE-', '-source')
  const name = graph.name(givenName, prefix)
  const operator = operatorOf(name)
  const repartition = repartitionNode(group, store, sinkName, sourceName)
  const role = processorRole({ supplier: operator, ownStore: () => storeBuilder(store) })
  return {
    graph,
    node: graph.add(name, role, repartition),
    name,
    keySerde: store.keySerde,
    valueSerde: store.valueSerde,
    sources: new Set([repartition.name]),
    operator,
    queryableStoreName: store.queryable ? store.name : undefined,
  }
}

/**
 * The repartition node, one for all aggregations of a grouping that the user named, else one each. Groups of
 * a table always go through a topic.
 */
function repartitionNode(
  group: GroupedTableHandle,
  store: TableStore,
  sinkName: string,
  sourceName: string,
): GraphNode {
  const { graph, givenName, namedRepartition } = group
  const known = givenName === undefined ? undefined : namedRepartition.node
  if (known) {
    graph.connect(group.node, known)
    return known
  }
  const topic = checkName(`${givenName ?? store.name}-repartition`)
  const role = {
    kind: 'repartition',
    filterName: undefined,
    sinkName,
    topic,
    keySerde: group.keySerde,
    valueSerde: changeSerde(group.valueSerde),
    partitioner: undefined,
    partitionCount: undefined,
    optimizable: false,
  } as const
  namedRepartition.node = graph.add(sourceName, role, group.node)
  return namedRepartition.node
}
