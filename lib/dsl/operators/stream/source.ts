import { TopologyError } from '../../../common/errors/errors.ts'
import type { Graph } from '../../graph/graph.ts'
import { mayNeedName, storeBuilder, tableStore } from '../../kit/materialized.ts'
import type { ConsumedOptions, GlobalTableOptions, TableSourceOptions } from '../../options/options.ts'
import type { GlobalTableHandle, StreamHandle, TableHandle } from '../../kit/handles.ts'
import { TableSource } from '../../kit/table-source.ts'

const SOURCE = 'KSTREAM-SOURCE-'
const TABLE = 'KTABLE-SOURCE-'

/**
 * Adds a source. Sources of the same topics become one node when the plan is optimized; until then each has
 * its own, and its own number.
 */
export function streamSource<K, V>(
  graph: Graph,
  topics: string | readonly string[] | RegExp,
  consumed: ConsumedOptions<K, V>,
): StreamHandle {
  const name = graph.name(consumed.name, SOURCE)
  const { keySerde, valueSerde } = consumed
  const read =
    topics instanceof RegExp
      ? { topics: [], pattern: topics }
      : { topics: typeof topics === 'string' ? [topics] : topics, pattern: undefined }
  return {
    graph,
    node: graph.add(name, { kind: 'stream-source', ...read, consumed }, graph.root),
    name,
    keySerde,
    valueSerde,
    sources: new Set([name]),
    repartitionRequired: false,
    joinRepartition: {},
  }
}

/**
 * Adds a table's source. The number of the store is drawn before those of the nodes, whether or not the table
 * gets a store in the end.
 */
export function tableSource<K, V>(
  graph: Graph,
  topic: string,
  options: TableSourceOptions<K, V>,
): TableHandle {
  const { keySerde, valueSerde } = options
  const store = mayNeedName(graph, tableStore(graph, options, `${topic}-`, { keySerde, valueSerde }))
  const sourceName = graph.name(options.name, SOURCE, '-source')
  const name = graph.name(options.name, TABLE)
  const operator = new TableSource(store.name, store.queryable, store.historyRetentionMs)
  const ownStore = () => (operator.materialized ? storeBuilder(store) : undefined)
  const role = {
    kind: 'table-source',
    sourceName,
    topic,
    consumed: options,
    supplier: operator,
    ownStore,
  } as const
  return {
    graph,
    node: graph.add(name, role, graph.root),
    name,
    keySerde,
    valueSerde,
    sources: new Set([sourceName]),
    operator,
    queryableStoreName: store.queryable ? store.name : undefined,
  }
}

/** Adds a global table's source. Its topic is its changelog, and it always has a store. */
export function globalTableSource<K, V>(
  graph: Graph,
  topic: string,
  options: GlobalTableOptions<unknown, unknown>,
): GlobalTableHandle<K, V> {
  const { requireCompacted: mustBeCompacted = true } = options
  const store = mayNeedName(
    graph,
    tableStore(graph, options, `${topic}-`, { keySerde: undefined, valueSerde: undefined }),
  )
  if (store.historyRetentionMs !== undefined) throw globalTableVersioned(topic)
  const sourceName = graph.name(options.name, SOURCE, '-source')
  const name = graph.name(options.name, TABLE)
  const supplier = new TableSource(store.name, true)
  const builder = storeBuilder({ ...store, logging: false })
  graph.add(
    name,
    { kind: 'global-store', sourceName, topic, consumed: options, supplier, builder, mustBeCompacted },
    graph.root,
  )
  return { values: supplier.values(), queryableStoreName: store.queryable ? store.name : undefined }
}

function globalTableVersioned(topic: string): TopologyError {
  return new TopologyError(
    'GLOBAL_TABLE_VERSIONED',
    `the global table of topic "${topic}" cannot keep versions: leave out historyRetentionMs, or read it as a table.`,
  )
}
