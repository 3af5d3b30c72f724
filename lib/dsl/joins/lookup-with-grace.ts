import type { Counter } from '../../common/metrics/meter.ts'
import type { ProcessorContext } from '../../processor/processor-context.ts'
import type { Processor } from '../../processor/processor.ts'
import { Record } from '../../processor/record.ts'
import type { RecordBuffer } from '../../store/operator/record-buffer.ts'
import type { Joiner } from '../options/functions.ts'
import type { ValueReader } from '../kit/table-operator.ts'
import { rowAsOf } from '../kit/table-operator.ts'
import { droppedRecords } from '../kit/dropped-records.ts'

export interface GraceSettings {
  readonly graceMs: number
  readonly bufferName: string
}

/**
 * A join with the row of the record's time that waits for rows which come late (KIP-923): records stay in a
 * buffer until the stream's time has passed theirs by the grace period, and leave it in the order of their
 * times. A record that is later than that itself is joined at once, as is one without key in a left join.
 */
export class LookupWithGrace<K, V, VT, VR> implements Processor<K, V, K, VR> {
  readonly #rows: ValueReader
  readonly #joiner: Joiner<K, V, VT | null, VR>
  readonly #left: boolean
  readonly #settings: GraceSettings
  #context!: ProcessorContext<K, VR>
  #buffer!: RecordBuffer
  #dropped!: Counter

  constructor(
    rows: ValueReader,
    joiner: Joiner<K, V, VT | null, VR>,
    left: boolean,
    settings: GraceSettings,
  ) {
    this.#rows = rows
    this.#joiner = joiner
    this.#left = left
    this.#settings = settings
  }

  init(context: ProcessorContext<K, VR>): void {
    this.#context = context
    this.#dropped = droppedRecords(context)
    this.#rows.init(context)
    this.#buffer = context.getStateStore<RecordBuffer>(this.#settings.bufferName)
    this.#buffer.setListener((key, value, { timestamp, headers }) =>
      this.#join(new Record(key as K, value as V, timestamp, headers)),
    )
  }

  process(record: Record<K, V>): void {
    const { key, value, timestamp, headers } = record
    if (value === null || (key === null && !this.#left)) return this.#dropped.add()
    const buffer = this.#buffer
    const { graceMs } = this.#settings
    if (key === null || timestamp < buffer.observedMs - graceMs) return this.#join(record)
    // The record leaves with the time and headers that processors above gave it.
    const { topic, partition, offset } = this.#context.recordContext()
    buffer.put(key, value, { topic, partition, offset, timestamp, headers: headers.toArray() })
    buffer.emitUpTo(buffer.observedMs - graceMs)
  }

  close(): void {
    this.#rows.close?.()
  }

  #join(record: Record<K, V>): void {
    const { key, value, timestamp } = record
    const row = key === null ? undefined : rowAsOf(this.#rows, key, timestamp)
    if (!row && !this.#left) return
    const right = row ? (row.value as VT) : null
    this.#context.forward(record.withValue(this.#joiner(value, right, key)))
  }
}
