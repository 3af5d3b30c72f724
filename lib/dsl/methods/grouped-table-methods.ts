import type { KGroupedTable, KTable } from '../api/kstream.ts'
import type { TableAggregateFunctions, TableReduceFunctions } from '../options/functions.ts'
import { aggregateTable, countTable, reduceTable } from '../operators/group/grouped-table.ts'
import type { TableOptions } from '../options/options.ts'
import type { GroupedTableHandle } from '../kit/handles.ts'
import type { MethodsFactory } from './methods-factory.ts'

/** The aggregations of a table. Each call makes a store of its own. */
export class GroupedTableMethods<K, V> implements KGroupedTable<K, V> {
  readonly #handle: GroupedTableHandle
  readonly #factory: MethodsFactory

  constructor(handle: GroupedTableHandle, factory: MethodsFactory) {
    this.#handle = handle
    this.#factory = factory
  }

  count(options?: TableOptions<K, number>): KTable<K, number> {
    return this.#factory.table(countTable(this.#handle, options))
  }

  reduce(functions: TableReduceFunctions<V>, options?: TableOptions<K, V>): KTable<K, V> {
    return this.#factory.table(reduceTable(this.#handle, functions, options))
  }

  aggregate<A>(
    functions: TableAggregateFunctions<K, V, A>,
    options?: TableOptions<K, NonNullable<A>>,
  ): KTable<K, NonNullable<A>> {
    return this.#factory.table(aggregateTable(this.#handle, functions, options))
  }
}
