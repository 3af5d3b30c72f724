import type { Mapper, Predicate } from '../../options/functions.ts'
import { saysMaterialized, storeBuilder, tableStore } from '../../kit/materialized.ts'
import type { TableOptions } from '../../options/options.ts'
import type { TableHandle } from '../../kit/handles.ts'
import { synchronous } from '../../kit/synchronous.ts'
import { addTableNode } from '../../kit/add-node.ts'
import { DerivedTable } from '../../kit/derived-table.ts'

/**
 * Filters a table. `keep`: whether rows stay for which the predicate holds (truthy, as in streams); false for
 * `filterNot`.
 */
export function filterTable<K, V>(
  table: TableHandle,
  predicate: Predicate<K, V>,
  keep: boolean,
  options: TableOptions<K, V> = {},
): TableHandle {
  const callback = `the predicate of ${keep ? 'filter' : 'filterNot'}`
  const compute = (node: string) => {
    const owner = { callback, node }
    return (value: V, key: K) => (Boolean(synchronous(predicate(value, key), owner)) === keep ? value : null)
  }
  return derive(table, 'KTABLE-FILTER-', compute, true, options, table.valueSerde)
}

export function mapTableValues<K, V, VR>(
  table: TableHandle,
  mapper: Mapper<K, V, VR>,
  options: TableOptions<K, NonNullable<VR>> = {},
): TableHandle {
  const compute = (node: string) => {
    const owner = { callback: 'the mapper of mapValues', node }
    return (value: V, key: K) => synchronous(mapper(value, key), owner)
  }
  return derive(table, 'KTABLE-MAPVALUES-', compute, false, options, undefined)
}

/** Adds a derived table. `computeOf` gets the node's name. */
function derive<K, V, KP, VP>(
  table: TableHandle,
  prefix: string,
  computeOf: (node: string) => Mapper<KP, VP, unknown>,
  dropsNothingToNothing: boolean,
  options: TableOptions<K, V>,
  inheritedValueSerde: TableHandle['valueSerde'],
): TableHandle {
  const { graph } = table
  const serdes = { keySerde: table.keySerde, valueSerde: inheritedValueSerde }
  // Options of a store without a name give no store, but use a number up before the node's own.
  const store = saysMaterialized(options) ? tableStore(graph, options, prefix, serdes) : undefined
  const name = graph.name(options.name, prefix)
  const kept = store?.queryable ? store : undefined
  const compute = computeOf(name) as Mapper<unknown, unknown, unknown>
  const operator = new DerivedTable(table, { compute, dropsNothingToNothing }, store)
  return {
    graph,
    node: addTableNode(table, name, operator, kept && (() => storeBuilder(kept))),
    name,
    keySerde: store ? store.keySerde : serdes.keySerde,
    valueSerde: store ? store.valueSerde : serdes.valueSerde,
    sources: table.sources,
    operator,
    queryableStoreName: kept?.name,
  }
}
