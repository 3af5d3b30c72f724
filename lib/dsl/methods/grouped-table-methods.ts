import type { KGroupedTable, KTable } from '../api/kstream.ts'
import type { TableAggregateFunctions, TableReduceFunctions } from '../options/functions.ts'
import { aggregateTable, countTable, reduceTable } from '../operators/group/grouped-table.ts'
import type { TableOptions } from '../options/options.ts'
import type { GroupedTablePart } from '../kit/handles.ts'
import type { Surface } from './methods-factory.ts'

/** The aggregations of a table. Each call makes a store of its own. */
export class GraphGroupedTable<K, V> implements KGroupedTable<K, V> {
  readonly #part: GroupedTablePart
  readonly #surface: Surface

  constructor(part: GroupedTablePart, surface: Surface) {
    this.#part = part
    this.#surface = surface
  }

  count(options?: TableOptions<K, number>): KTable<K, number> {
    return this.#surface.table(countTable(this.#part, options))
  }

  reduce(functions: TableReduceFunctions<V>, options?: TableOptions<K, V>): KTable<K, V> {
    return this.#surface.table(reduceTable(this.#part, functions, options))
  }

  aggregate<A>(
    functions: TableAggregateFunctions<K, V, A>,
    options?: TableOptions<K, NonNullable<A>>,
  ): KTable<K, NonNullable<A>> {
    return this.#surface.table(aggregateTable(this.#part, functions, options))
  }
}
