import type { ProcessorContext } from '../../processor/processor-context.ts'
import type { Processor } from '../../processor/processor.ts'
import type { Record } from '../../processor/record.ts'
import { ChangeForwarder } from '../change-forwarder.ts'
import type { Change } from '../change.ts'
import type { TableAggregateFunctions } from '../functions.ts'
import type { RowStore } from '../row-store.ts'
import { rowStore } from '../row-store.ts'
import { keepOldValue } from './old-value.ts'
import { StoredTable } from './stored-table.ts'

export class TableAggregate<K, V, A> extends StoredTable {
  readonly #functions: TableAggregateFunctions<K, V, A>

  constructor(storeName: string, functions: TableAggregateFunctions<K, V, A>, historyRetentionMs?: number) {
    super(storeName, historyRetentionMs)
    this.#functions = functions
  }

  get(): Processor {
    return new AggregateProcessor(this.storeName, this.sendOldValues, this.#functions)
  }
}

/**
 * Takes the old row away, then adds the new one, and hands on one result for both. Nothing is taken from a group without aggregate: a
 * row that came before the group was deleted has gone with it. Keys are not checked, since grouping lets no null key pass.
 */
class AggregateProcessor<K, V, A> implements Processor<K, Change<V>, K, Change<A>> {
  readonly #storeName: string
  readonly #sendOldValues: boolean
  readonly #functions: TableAggregateFunctions<K, V, A>
  #store!: RowStore<K, A>
  #forwarder!: ChangeForwarder<K, A>

  constructor(storeName: string, sendOldValues: boolean, functions: TableAggregateFunctions<K, V, A>) {
    this.#storeName = storeName
    this.#sendOldValues = sendOldValues
    this.#functions = functions
  }

  init(context: ProcessorContext<K, Change<A>>): void {
    this.#store = rowStore(context, this.#storeName)
    this.#forwarder = new ChangeForwarder(context, this.#store, this.#sendOldValues)
  }

  process(record: Record<K, Change<V>>): void {
    const { key, value: change } = record
    const { initializer, adder, subtractor } = this.#functions
    const stored = this.#store.get(key)
    const oldValue = this.#sendOldValues && stored ? keepOldValue(stored.value) : null
    let value: A | null = stored ? stored.value : null
    if (change.oldValue !== null && value !== null) value = subtractor(value, change.oldValue, key)
    if (change.newValue !== null) value = adder(value ?? initializer(), change.newValue, key)
    const timestamp = stored ? Math.max(record.timestamp, stored.timestamp) : record.timestamp
    const put = this.#store.put(key, value, timestamp)
    this.#forwarder.forward(record, value, oldValue, timestamp, put)
  }
}
