import type { Counter } from '../../../common/metrics/meter.ts'
import type { ProcessorContext } from '../../../processor/processor-context.ts'
import type { Processor } from '../../../processor/processor.ts'
import type { Record } from '../../../processor/record.ts'
import { ChangeForwarder } from '../../kit/change-forwarder.ts'
import type { Change } from '../../kit/change.ts'
import type { Reducer } from '../../options/functions.ts'
import type { RowStore } from '../../kit/row-store.ts'
import { rowStore } from '../../kit/row-store.ts'
import type { CallbackOwner } from '../../kit/synchronous.ts'
import { synchronous } from '../../kit/synchronous.ts'
import { droppedRecords } from '../../kit/dropped-records.ts'
import { keepOldValue } from '../../kit/old-value.ts'
import { StoredTable } from '../../kit/stored-table.ts'

/**
 * A table like StreamAggregate without initializer: the first value of a key is its aggregate, and there is
 * no value before it.
 */
export class StreamReduce<V> extends StoredTable {
  readonly #reducer: Reducer<V, V | null>
  readonly #owner: CallbackOwner

  constructor(
    storeName: string,
    reducer: Reducer<V, V | null>,
    owner: CallbackOwner,
    historyRetentionMs?: number,
  ) {
    super(storeName, historyRetentionMs)
    this.#reducer = reducer
    this.#owner = owner
  }

  get(): Processor {
    return new ReduceProcessor(this.storeName, this.sendOldValues, this.#reducer, this.#owner)
  }
}

class ReduceProcessor<K, V> implements Processor<K, V, K, Change<V>> {
  readonly #storeName: string
  readonly #sendOldValues: boolean
  readonly #reducer: Reducer<V, V | null>
  readonly #owner: CallbackOwner
  #store!: RowStore<K, V>
  #forwarder!: ChangeForwarder<K, V>
  #dropped!: Counter

  constructor(
    storeName: string,
    sendOldValues: boolean,
    reducer: Reducer<V, V | null>,
    owner: CallbackOwner,
  ) {
    this.#storeName = storeName
    this.#sendOldValues = sendOldValues
    this.#reducer = reducer
    this.#owner = owner
  }

  init(context: ProcessorContext<K, Change<V>>): void {
    this.#store = rowStore(context, this.#storeName)
    this.#forwarder = new ChangeForwarder(context, this.#store, this.#sendOldValues)
    this.#dropped = droppedRecords(context)
  }

  process(record: Record<K, V>): void {
    const { key, value } = record
    if (key === null || value === null) return this.#dropped.add()
    const stored = this.#store.get(key)
    const timestamp = stored ? Math.max(record.timestamp, stored.timestamp) : record.timestamp
    const oldValue = this.#sendOldValues && stored ? keepOldValue(stored.value) : null
    const after = stored ? synchronous(this.#reducer(stored.value, value), this.#owner) : value
    const put = this.#store.put(key, after, timestamp)
    this.#forwarder.forward(record, after, oldValue, timestamp, put)
  }
}
