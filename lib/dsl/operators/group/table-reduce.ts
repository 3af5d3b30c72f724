import type { ProcessorContext } from '../../../processor/processor-context.ts'
import type { Processor } from '../../../processor/processor.ts'
import type { Record } from '../../../processor/record.ts'
import { ChangeForwarder } from '../../kit/change-forwarder.ts'
import type { Change } from '../../kit/change.ts'
import type { TableReduceFunctions } from '../../options/functions.ts'
import type { RowStore } from '../../kit/row-store.ts'
import { rowStore } from '../../kit/row-store.ts'
import type { CallbackOwner } from '../../kit/synchronous.ts'
import { synchronous } from '../../kit/synchronous.ts'
import { keepOldValue } from '../../kit/old-value.ts'
import { StoredTable } from '../../kit/stored-table.ts'

/** A table like TableAggregate without initializer. */
export class TableReduce<V> extends StoredTable {
  readonly #functions: TableReduceFunctions<V>
  readonly #owner: CallbackOwner

  constructor(
    storeName: string,
    functions: TableReduceFunctions<V>,
    owner: CallbackOwner,
    historyRetentionMs?: number,
  ) {
    super(storeName, historyRetentionMs)
    this.#functions = functions
    this.#owner = owner
  }

  get(): Processor {
    return new ReduceProcessor(this.storeName, this.sendOldValues, this.#functions, this.#owner)
  }
}

class ReduceProcessor<K, V> implements Processor<K, Change<V>, K, Change<V>> {
  readonly #storeName: string
  readonly #sendOldValues: boolean
  readonly #functions: TableReduceFunctions<V>
  readonly #owner: CallbackOwner
  #store!: RowStore<K, V>
  #forwarder!: ChangeForwarder<K, V>

  constructor(
    storeName: string,
    sendOldValues: boolean,
    functions: TableReduceFunctions<V>,
    owner: CallbackOwner,
  ) {
    this.#storeName = storeName
    this.#sendOldValues = sendOldValues
    this.#functions = functions
    this.#owner = owner
  }

  init(context: ProcessorContext<K, Change<V>>): void {
    this.#store = rowStore(context, this.#storeName)
    this.#forwarder = new ChangeForwarder(context, this.#store, this.#sendOldValues)
  }

  process(record: Record<K, Change<V>>): void {
    const { key, value: change } = record
    const stored = this.#store.get(key)
    const oldValue = this.#sendOldValues && stored ? keepOldValue(stored.value) : null
    let value: V | null = stored ? stored.value : null
    if (change.oldValue !== null && value !== null) {
      value = synchronous(this.#functions.subtractor(value, change.oldValue), this.#owner)
    }
    if (change.newValue !== null) value = this.#add(value, change.newValue)
    const timestamp = stored ? Math.max(record.timestamp, stored.timestamp) : record.timestamp
    const put = this.#store.put(key, value, timestamp)
    this.#forwarder.forward(record, value, oldValue, timestamp, put)
  }

  /** Adds a value, which is the group's where it has none yet. */
  #add(value: V | null, added: V): V | null {
    return value === null ? added : synchronous(this.#functions.adder(value, added), this.#owner)
  }
}
