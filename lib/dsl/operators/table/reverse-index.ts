import { countsStoreOf } from '../../../serde/indexed-key.ts'
import { byIndexKey } from '../../../processor/index-partitioner.ts'
import { IndexedKeySerde } from '../../../serde/indexed-key-serde.ts'
import { serdes } from '../../../serde/serdes.ts'
import { stores } from '../../../store/builders/stores.ts'
import { checkName } from '../../graph/node-name.ts'
import { processorRole } from '../../kit/add-node.ts'
import type { TableHandle } from '../../kit/handles.ts'
import { storeBuilder, tableStore } from '../../kit/materialized.ts'
import { isVersioned } from '../../kit/table-operator.ts'
import type { Mapper } from '../../options/functions.ts'
import type { ReverseIndexOptions } from '../../options/options.ts'
import { IndexTable } from './index-entries.ts'
import { IndexRows, type IndexRowsOptions } from './index-rows.ts'

const PREFIX = 'KTABLE-REVERSE-INDEX-'

/**
 * Adds a secondary index: entries go through a topic to where their index key belongs, and are kept there
 * one by one.
 */
export function reverseIndex<KI, K, V, VR>(
  table: TableHandle,
  keys: Mapper<K, V, Iterable<KI | null>>,
  options: ReverseIndexOptions<KI, K, V, VR>,
): TableHandle {
  const { graph } = table
  const { indexKeySerde, value = (row: V) => row as unknown as VR, valueSerde } = options
  const keySerde = new IndexedKeySerde(indexKeySerde, table.keySerde)
  const values = valueSerde ?? (options.value ? undefined : table.valueSerde)
  const store = tableStore(graph, options, PREFIX, { keySerde, valueSerde: values })
  const rowsName = graph.name(options.name, PREFIX, '-rows')
  const sinkName = graph.name(options.name, 'KSTREAM-SINK-', '-sink')
  const sourceName = graph.name(options.name, 'KSTREAM-SOURCE-', '-source')
  const name = graph.name(options.name, PREFIX)
  table.operator.requestOldValues(true)
  const callbacks = { node: rowsName, keys, value, indexKeySerde } as const
  const rows = graph.add(
    rowsName,
    processorRole({ supplier: { get: () => rowsOf(callbacks, table) } }),
    table.node,
  )
  const role = {
    kind: 'repartition',
    filterName: undefined,
    sinkName,
    topic: checkName(`${options.name ?? store.name}-repartition`),
    keySerde,
    valueSerde: values,
    partitioner: byIndexKey,
    partitionCount: options.partitionCount,
    optimizable: false,
  } as const
  const source = graph.add(sourceName, role, rows)
  const counts = countsStoreOf(store.name)
  const builder = {
    ...stores.keyValueStore<KI, number>({
      name: counts,
      keySerde: indexKeySerde,
      valueSerde: serdes.int64(),
      persistent: store.persistent,
      ranges: false,
      logging: store.logging,
    }),
    keyedByRecord: true,
  }
  graph.add(counts, { kind: 'store', builder }, graph.root)
  const operator = new IndexTable(store.name, counts)
  const kept = processorRole({ supplier: operator, stores: [counts], ownStore: () => storeBuilder(store) })
  return {
    graph,
    node: graph.add(name, kept, source),
    name,
    keySerde,
    valueSerde: values,
    sources: new Set([sourceName]),
    operator,
    queryableStoreName: store.name,
  }
}

function rowsOf<KI, K, V, VR>(
  callbacks: Omit<IndexRowsOptions<KI, K, V, VR>, 'latestOnly'>,
  table: TableHandle,
): IndexRows<KI, K, V, VR> {
  return new IndexRows({ ...callbacks, latestOnly: isVersioned(table.operator) })
}
