import type { Counter } from '../../../common/metrics/meter.ts'
import type { ProcessorContext } from '../../../processor/processor-context.ts'
import type { Processor } from '../../../processor/processor.ts'
import type { Record } from '../../../processor/record.ts'
import { ChangeForwarder } from '../../kit/change-forwarder.ts'
import type { Change } from '../../kit/change.ts'
import type { Aggregator, Initializer } from '../../options/functions.ts'
import type { RowStore } from '../../kit/row-store.ts'
import { rowStore } from '../../kit/row-store.ts'
import type { CallbackOwner } from '../../kit/synchronous.ts'
import { synchronous } from '../../kit/synchronous.ts'
import { droppedRecords } from '../../kit/dropped-records.ts'
import { keepOldValue } from '../../kit/old-value.ts'
import { StoredTable } from '../../kit/stored-table.ts'

/** A table with one aggregate a key: for `aggregate`, and `count` on it. */
export class StreamAggregate<K, V, A> extends StoredTable {
  readonly #initializer: Initializer<A>
  readonly #aggregator: Aggregator<K, V, A>
  readonly #owner: CallbackOwner

  constructor(
    storeName: string,
    initializer: Initializer<A>,
    aggregator: Aggregator<K, V, A>,
    owner: CallbackOwner,
    historyRetentionMs?: number,
  ) {
    super(storeName, historyRetentionMs)
    this.#initializer = initializer
    this.#aggregator = aggregator
    this.#owner = owner
  }

  get(): Processor {
    return new AggregateProcessor(
      this.storeName,
      this.sendOldValues,
      this.#initializer,
      this.#aggregator,
      this.#owner,
    )
  }
}

/**
 * Aggregates records. A deletion (the aggregator returned null) is forwarded even where nothing was stored,
 * and the key begins anew after it, its timestamp too. The old value of a new key is the initializer's, not
 * null: a group below subtracts it first.
 */
class AggregateProcessor<K, V, A> implements Processor<K, V, K, Change<A>> {
  readonly #storeName: string
  readonly #sendOldValues: boolean
  readonly #initializer: Initializer<A>
  readonly #aggregator: Aggregator<K, V, A>
  readonly #owner: CallbackOwner
  #store!: RowStore<K, A>
  #forwarder!: ChangeForwarder<K, A>
  #dropped!: Counter

  constructor(
    storeName: string,
    sendOldValues: boolean,
    initializer: Initializer<A>,
    aggregator: Aggregator<K, V, A>,
    owner: CallbackOwner,
  ) {
    this.#storeName = storeName
    this.#sendOldValues = sendOldValues
    this.#initializer = initializer
    this.#aggregator = aggregator
    this.#owner = owner
  }

  init(context: ProcessorContext<K, Change<A>>): void {
    this.#store = rowStore(context, this.#storeName)
    this.#forwarder = new ChangeForwarder(context, this.#store, this.#sendOldValues)
    this.#dropped = droppedRecords(context)
  }

  process(record: Record<K, V>): void {
    const { key, value } = record
    if (key === null || value === null) return this.#dropped.add()
    const stored = this.#store.get(key)
    const before = stored ? stored.value : synchronous(this.#initializer(), this.#owner)
    const timestamp = stored ? Math.max(record.timestamp, stored.timestamp) : record.timestamp
    const oldValue = this.#sendOldValues ? keepOldValue(before) : null
    const after = synchronous(this.#aggregator(before, value, key), this.#owner)
    const put = this.#store.put(key, after, timestamp)
    this.#forwarder.forward(record, after, oldValue, timestamp, put)
  }
}
