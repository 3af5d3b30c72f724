import type { Counter } from '../../common/metrics/meter.ts'
import type { ProcessorContext } from '../../processor/processor-context.ts'
import type { Processor } from '../../processor/processor.ts'
import type { Record } from '../../processor/record.ts'
import type { Joiner, Mapper } from '../options/functions.ts'
import type { ValueReader } from '../kit/table-operator.ts'
import { rowAsOf } from '../kit/table-operator.ts'
import { droppedRecords } from '../kit/dropped-records.ts'

/**
 * Joins each record with the row its key, or a key made from it, finds in a table at that moment; in a
 * versioned table, at the record's time. Null values are dropped in both kinds of join: in a left join, null
 * on the right means "no row", and null on the left would be ambiguous.
 */
export class Lookup<K, V, KT, VT, VR> implements Processor<K, V, K, VR> {
  readonly #rows: ValueReader
  readonly #selector: Mapper<K, V, KT | null>
  readonly #joiner: Joiner<K, V, VT | null, VR>
  readonly #left: boolean
  #context!: ProcessorContext<K, VR>
  #dropped!: Counter

  constructor(
    rows: ValueReader,
    selector: Mapper<K, V, KT | null>,
    joiner: Joiner<K, V, VT | null, VR>,
    left: boolean,
  ) {
    this.#rows = rows
    this.#selector = selector
    this.#joiner = joiner
    this.#left = left
  }

  init(context: ProcessorContext<K, VR>): void {
    this.#context = context
    this.#dropped = droppedRecords(context)
    this.#rows.init(context)
  }

  process(record: Record<K, V>): void {
    const { key, value } = record
    if (value === null) return this.#dropped.add()
    const tableKey = this.#selector(value, key)
    if (tableKey === null && !this.#left) return this.#dropped.add()
    const row = tableKey === null ? undefined : rowAsOf(this.#rows, tableKey, record.timestamp)
    if (!row && !this.#left) return
    const right = row ? (row.value as VT) : null
    this.#context.forward(record.withValue(this.#joiner(value, right, key)))
  }

  close(): void {
    this.#rows.close?.()
  }
}
