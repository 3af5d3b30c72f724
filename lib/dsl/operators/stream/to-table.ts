import { mayNeedName, storeBuilder, tableStore } from '../../kit/materialized.ts'
import type { TableOptions } from '../../options/options.ts'
import type { StreamHandle, TableHandle } from '../../kit/handles.ts'
import { processorRole } from '../../kit/add-node.ts'
import { addRepartition, behindRepartition, planRepartition } from '../../kit/plan-repartition.ts'
import { TableSource } from '../../kit/table-source.ts'

const PREFIX = 'KSTREAM-TOTABLE-'

/**
 * Makes a stream a table. The repartition topic of a rekeyed stream is named after the node, not after the
 * store, as in Kafka Streams, where only aggregations name theirs after the store.
 */
export function toTable<K, V>(stream: StreamHandle, options: TableOptions<K, V> = {}): TableHandle {
  const { graph } = stream
  const name = graph.name(options.name, PREFIX)
  const store = mayNeedName(graph, tableStore(graph, options, PREFIX, stream))
  const parent = stream.repartitionRequired ? throughTopic(stream, name, store) : stream
  const operator = new TableSource(store.name, store.queryable, store.historyRetentionMs)
  const ownStore = () => (operator.materialized ? storeBuilder(store) : undefined)
  return {
    graph,
    node: graph.add(name, processorRole({ supplier: operator, ownStore }), parent.node),
    name,
    keySerde: store.keySerde,
    valueSerde: store.valueSerde,
    sources: parent.sources,
    operator,
    queryableStoreName: store.queryable ? store.name : undefined,
  }
}

function throughTopic(
  stream: StreamHandle,
  topicPrefix: string,
  serdes: Pick<StreamHandle, 'keySerde' | 'valueSerde'>,
): StreamHandle {
  const settings = { topicPrefix, keySerde: serdes.keySerde, valueSerde: serdes.valueSerde }
  const planned = planRepartition(stream.graph, settings)
  return behindRepartition(stream, addRepartition(stream, planned), planned.sourceName, settings)
}
