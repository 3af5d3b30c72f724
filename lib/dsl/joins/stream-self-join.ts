import type { Counter } from '../../common/metrics/meter.ts'
import { operatorContext } from '../../processor/operator-context.ts'
import type { ProcessorContext } from '../../processor/processor-context.ts'
import type { Processor } from '../../processor/processor.ts'
import { Record } from '../../processor/record.ts'
import type { WindowStore } from '../../store/contract/window-store.ts'
import type { Joiner } from '../options/functions.ts'
import type { JoinWindows } from '../windows/join-windows.ts'
import { droppedRecords } from '../kit/dropped-records.ts'
import { OperatorStreamTime } from '../kit/operator-stream-time.ts'
import { lastMs } from './stream-join-side.ts'

/**
 * A stream joined with itself over one store (`single.store.self.join`), with the results of the join with
 * two stores, in its order. First the record as the left one with those before it, then those as left ones
 * with the record, and in between, by time, the record with itself.
 */
export class StreamSelfJoin implements Processor {
  readonly #storeName: string
  readonly #windows: JoinWindows
  readonly #joiner: Joiner<unknown, unknown, unknown, unknown>
  /** Time for which the store keeps records: an older one would not have found itself in it. */
  readonly #retentionMs: number
  #context!: ProcessorContext
  #store!: WindowStore<unknown, unknown>
  #dropped!: Counter
  #time!: OperatorStreamTime

  constructor(
    storeName: string,
    windows: JoinWindows,
    joiner: Joiner<unknown, unknown, unknown, unknown>,
    retentionMs: number,
  ) {
    this.#storeName = storeName
    this.#windows = windows
    this.#joiner = joiner
    this.#retentionMs = retentionMs
  }

  init(context: ProcessorContext): void {
    this.#context = context
    this.#store = context.getStateStore(this.#storeName)
    this.#dropped = droppedRecords(context)
    this.#time = new OperatorStreamTime(operatorContext(context), this.#storeName)
  }

  process(record: Record<unknown, unknown>): void {
    const { key, value, timestamp } = record
    if (key === null || value === null) return this.#dropped.add()
    const { beforeMs, afterMs } = this.#windows
    const withItself = this.#joiner(value, value, key)
    this.#time.reach(timestamp)
    let pending = this.#time.currentMs - timestamp < this.#retentionMs - 1
    for (const [otherMs, other] of this.#within(record, beforeMs, afterMs)) {
      this.#forward(record, this.#joiner(value, other, key), Math.max(timestamp, otherMs))
    }
    for (const [otherMs, other] of this.#within(record, afterMs, beforeMs)) {
      if (pending && otherMs > timestamp) {
        pending = false
        this.#forward(record, withItself, timestamp)
      }
      this.#forward(record, this.#joiner(other, value, key), Math.max(timestamp, otherMs))
    }
    if (pending) this.#forward(record, withItself, timestamp)
  }

  #within({ key, timestamp }: Record<unknown, unknown>, beforeMs: number, afterMs: number) {
    return this.#store.fetch(key, {
      fromMs: Math.max(0, timestamp - beforeMs),
      toMs: lastMs(timestamp + afterMs),
    })
  }

  #forward({ key, headerList }: Record<unknown, unknown>, value: unknown, timestamp: number): void {
    this.#context.forward(new Record(key, value, timestamp, headerList))
  }
}
