import type { ProcessorContext } from '../../../processor/processor-context.ts'
import type { Processor } from '../../../processor/processor.ts'
import type { Record } from '../../../processor/record.ts'
import { ChangeForwarder } from '../../kit/change-forwarder.ts'
import type { Change } from '../../kit/change.ts'
import type { TableAggregateFunctions } from '../../options/functions.ts'
import type { RowStore } from '../../kit/row-store.ts'
import { rowStore } from '../../kit/row-store.ts'
import type { CallbackOwner } from '../../kit/synchronous.ts'
import { synchronous } from '../../kit/synchronous.ts'
import { keepOldValue } from '../../kit/old-value.ts'
import { StoredTable } from '../../kit/stored-table.ts'

export class TableAggregate<K, V, A> extends StoredTable {
  readonly #functions: TableAggregateFunctions<K, V, A>
  readonly #owner: CallbackOwner

  constructor(
    storeName: string,
    functions: TableAggregateFunctions<K, V, A>,
    owner: CallbackOwner,
    historyRetentionMs?: number,
  ) {
    super(storeName, historyRetentionMs)
    this.#functions = functions
    this.#owner = owner
  }

  get(): Processor {
    return new AggregateProcessor(this.storeName, this.sendOldValues, this.#functions, this.#owner)
  }
}

/**
 * Subtracts the old row, then adds the new one, and forwards one result for both. A group without aggregate
 * has nothing to subtract from: a row from before its deletion has gone with it. Keys are not checked, since
 * grouping lets no null key pass.
 */
class AggregateProcessor<K, V, A> implements Processor<K, Change<V>, K, Change<A>> {
  readonly #storeName: string
  readonly #sendOldValues: boolean
  readonly #functions: TableAggregateFunctions<K, V, A>
  readonly #owner: CallbackOwner
  #store!: RowStore<K, A>
  #forwarder!: ChangeForwarder<K, A>

  constructor(
    storeName: string,
    sendOldValues: boolean,
    functions: TableAggregateFunctions<K, V, A>,
    owner: CallbackOwner,
  ) {
    this.#storeName = storeName
    this.#sendOldValues = sendOldValues
    this.#functions = functions
    this.#owner = owner
  }

  init(context: ProcessorContext<K, Change<A>>): void {
    this.#store = rowStore(context, this.#storeName)
    this.#forwarder = new ChangeForwarder(context, this.#store, this.#sendOldValues)
  }

  process(record: Record<K, Change<V>>): void {
    const { key, value: change } = record
    const { initializer, adder, subtractor } = this.#functions
    const owner = this.#owner
    const stored = this.#store.get(key)
    const oldValue = this.#sendOldValues && stored ? keepOldValue(stored.value) : null
    let value: A | null = stored ? stored.value : null
    if (change.oldValue !== null && value !== null) {
      value = synchronous(subtractor(value, change.oldValue, key), owner)
    }
    if (change.newValue !== null) {
      const before = value ?? synchronous(initializer(), owner)
      value = synchronous(adder(before, change.newValue, key), owner)
    }
    const timestamp = stored ? Math.max(record.timestamp, stored.timestamp) : record.timestamp
    const put = this.#store.put(key, value, timestamp)
    this.#forwarder.forward(record, value, oldValue, timestamp, put)
  }
}
