import type { Counter } from '../../common/metrics/meter.ts'
import type { ProcessorContext } from '../../processor/processor-context.ts'
import type { Processor } from '../../processor/processor.ts'
import type { Record } from '../../processor/record.ts'
import { ChangeForwarder } from './change-forwarder.ts'
import { Change } from './change.ts'
import type { TableOperator, TableValueGetter } from './table-operator.ts'
import { storeValues } from './table-operator.ts'
import type { RowStore } from './row-store.ts'
import { rowStore } from './row-store.ts'
import { droppedRecords } from './dropped-records.ts'

/**
 * Turns the records of a stream into the changes of a table. It has a store only if the user named it, or an
 * operator below needs old values or lookups. An update that is older than the present row replaces it all
 * the same: rows are in the order of arrival.
 */
export class TableSource implements TableOperator {
  readonly #storeName: string
  readonly #historyRetentionMs: number | undefined
  #materialized: boolean
  #sendOldValues = false

  /**
   * `historyRetentionMs`: history of a versioned store, in which the times of rows decide, not their arrival.
   */
  constructor(storeName: string, queryable: boolean, historyRetentionMs?: number) {
    this.#storeName = storeName
    this.#materialized = queryable
    this.#historyRetentionMs = historyRetentionMs
  }

  get materialized(): boolean {
    return this.#materialized
  }

  get(): Processor {
    return this.#materialized ? new StoringSource(this.#storeName, this.#sendOldValues) : new PassingSource()
  }

  requestOldValues(mayMaterialize: boolean): boolean {
    if (!this.#materialized && !mayMaterialize) return false
    this.#materialized = true
    this.#sendOldValues = true
    return true
  }

  values(): TableValueGetter {
    this.#materialized = true
    return storeValues(this.#storeName, this.#historyRetentionMs)
  }

  isVersioned(): boolean {
    return this.#historyRetentionMs !== undefined
  }
}

/**
 * Keeps rows in a store. Reads before it writes only where old values are wanted: a plain table costs one
 * write a record.
 */
class StoringSource<K, V> implements Processor<K, V | null, K, Change<V>> {
  readonly #storeName: string
  readonly #sendOldValues: boolean
  #store!: RowStore<K, V>
  #forwarder!: ChangeForwarder<K, V>
  #dropped!: Counter

  constructor(storeName: string, sendOldValues: boolean) {
    this.#storeName = storeName
    this.#sendOldValues = sendOldValues
  }

  init(context: ProcessorContext<K, Change<V>>): void {
    this.#store = rowStore(context, this.#storeName)
    this.#forwarder = new ChangeForwarder(context, this.#store, this.#sendOldValues)
    this.#dropped = droppedRecords(context)
  }

  process(record: Record<K, V | null>): void {
    const { key, value, timestamp } = record
    if (key === null) return this.#dropped.add()
    const oldValue = this.#sendOldValues ? (this.#store.get(key)?.value ?? null) : null
    const put = this.#store.put(key, value, timestamp)
    this.#forwarder.forward(record, value, oldValue, timestamp, put)
  }
}

/** Forwards every record as a change: without a store there are no old values. */
class PassingSource<K, V> implements Processor<K, V | null, K, Change<V>> {
  #context!: ProcessorContext<K, Change<V>>
  #dropped!: Counter

  init(context: ProcessorContext<K, Change<V>>): void {
    this.#context = context
    this.#dropped = droppedRecords(context)
  }

  process(record: Record<K, V | null>): void {
    if (record.key === null) return this.#dropped.add()
    this.#context.forward(record.withValue(new Change(record.value, null)))
  }
}
