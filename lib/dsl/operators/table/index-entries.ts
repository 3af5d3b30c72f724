import { isDeepStrictEqual } from 'node:util'
import type { IndexedKey } from '../../../serde/indexed-key.ts'
import type { ProcessorContext } from '../../../processor/processor-context.ts'
import type { Processor } from '../../../processor/processor.ts'
import type { Record } from '../../../processor/record.ts'
import type { KeyValueStore } from '../../../store/contract/key-value-store.ts'
import { ChangeForwarder } from '../../kit/change-forwarder.ts'
import type { Change } from '../../kit/change.ts'
import { keepOldValue } from '../../kit/old-value.ts'
import { rowStore, type RowStore } from '../../kit/row-store.ts'
import { StoredTable } from '../../kit/stored-table.ts'

/** The table of an index: its entries in one store, and how many each index key has in another. */
export class IndexTable extends StoredTable {
  readonly #countsName: string

  constructor(storeName: string, countsName: string) {
    super(storeName)
    this.#countsName = countsName
  }

  get(): Processor {
    return new IndexEntries(this.storeName, this.#countsName, this.sendOldValues) as Processor
  }
}

/**
 * Keeps entries, and counts by what the store holds, not by records: one that comes twice counts once, and
 * goes no further.
 */
class IndexEntries<KI, K, V> implements Processor<IndexedKey<KI, K>, V | null, IndexedKey<KI, K>, Change<V>> {
  readonly #storeName: string
  readonly #countsName: string
  readonly #sendOldValues: boolean
  #entries!: RowStore<IndexedKey<KI, K>, V>
  #counts!: KeyValueStore<KI, number>
  #forwarder!: ChangeForwarder<IndexedKey<KI, K>, V>

  constructor(storeName: string, countsName: string, sendOldValues: boolean) {
    this.#storeName = storeName
    this.#countsName = countsName
    this.#sendOldValues = sendOldValues
  }

  init(context: ProcessorContext<IndexedKey<KI, K>, Change<V>>): void {
    this.#entries = rowStore(context, this.#storeName)
    this.#counts = context.getStateStore(this.#countsName)
    this.#forwarder = new ChangeForwarder(context, this.#entries, this.#sendOldValues)
  }

  process(record: Record<IndexedKey<KI, K>, V | null>): void {
    const { key, value, timestamp } = record
    const before = this.#entries.get(key)?.value ?? null
    if (isDeepStrictEqual(before, value)) return
    const oldValue = this.#sendOldValues ? keepOldValue(before) : null
    const put = this.#entries.put(key, value, timestamp)
    this.#count(key.indexKey, Number(value !== null) - Number(before !== null))
    this.#forwarder.forward(record, value, oldValue, timestamp, put)
  }

  #count(indexKey: KI, step: number): void {
    if (step === 0) return
    const count = (this.#counts.get(indexKey) ?? 0) + step
    this.#counts.put(indexKey, count > 0 ? count : null)
  }
}
