import type { Counter } from '../../common/metrics/meter.ts'
import type { Windowed } from '../../common/windowed.ts'
import { operatorContext } from '../../processor/operator-context.ts'
import type { Processor } from '../../processor/processor.ts'
import type { ProcessorContext } from '../../processor/processor-context.ts'
import type { Record } from '../../processor/record.ts'
import type { ValueAndTimestamp } from '../../store/contract/key-value-store.ts'
import type { TimestampedWindowStore } from '../../store/contract/window-store.ts'
import type { Change } from '../kit/change.ts'
import type { SlidingWindows } from '../windows/sliding-windows.ts'
import type { Closing } from './closed-windows.ts'
import { ClosedWindows } from './closed-windows.ts'
import { droppedRecords } from '../kit/dropped-records.ts'
import { keepOldValue } from '../kit/old-value.ts'
import { OperatorStreamTime } from '../kit/operator-stream-time.ts'
import { WindowForwarder } from './window-forwarder.ts'
import type { WindowedAggregation } from './windowed-table.ts'
import { WindowedTable, windowStoreValues } from './windowed-table.ts'

/** The table of aggregates by set of records of a key that lie within the time difference (KIP-450). */
export function slidingAggregate<K, V, A>(
  windows: SlidingWindows,
  aggregation: WindowedAggregation<K, V, A>,
): WindowedTable {
  return new WindowedTable(
    windowStoreValues(aggregation.storeName),
    sendOldValues => new SlidingAggregate(windows, aggregation, sendOldValues),
  )
}

const NO_TIME = -1

/**
 * A record has a left window, which ends with it, and a right window, which begins 1 ms after it. Left
 * windows are made when their record comes; right ones only when they get a record, so that every window in
 * the store has one. The timestamp of a stored aggregate is that of its latest record: that is how it is
 * known which records are in a window.
 *
 * No window begins before 0: records earlier than the time difference share the window that begins there.
 */
class SlidingAggregate<K, V, A> implements Processor<K, V, Windowed<K>, Change<A>> {
  readonly #spanMs: number
  readonly #graceMs: number
  readonly #aggregation: WindowedAggregation<K, V, A>
  readonly #sendOldValues: boolean
  #store!: TimestampedWindowStore<K, A>
  #forwarder!: WindowForwarder<K, A>
  #dropped!: Counter
  #streamTime!: OperatorStreamTime
  #closed: ClosedWindows<Record<K, V>> | undefined
  #closeMs = NO_TIME
  /** Starts of windows that are there already and may have the record being processed. */
  readonly #starts: number[] = []
  /** Time of the latest earlier record that may lack a right window; -1: none. */
  #previousMs = NO_TIME
  /** Content of the record's own right window. */
  #right: ValueAndTimestamp<A> | undefined

  constructor(windows: SlidingWindows, aggregation: WindowedAggregation<K, V, A>, sendOldValues: boolean) {
    this.#spanMs = windows.timeDifferenceMs
    this.#graceMs = windows.graceMs
    this.#aggregation = aggregation
    this.#sendOldValues = sendOldValues
  }

  init(context: ProcessorContext<Windowed<K>, Change<A>>): void {
    const { storeName, id, emit } = this.#aggregation
    const operator = operatorContext(context)
    this.#store = context.getStateStore(storeName)
    this.#dropped = droppedRecords(context)
    this.#streamTime = new OperatorStreamTime(operator, id)
    this.#forwarder = new WindowForwarder(context, this.#store, emit, this.#sendOldValues)
    if (emit === 'on-window-close') this.#closed = new ClosedWindows(operator, id, this.#closing())
  }

  process(record: Record<K, V>): void {
    const { key, value, timestamp } = record
    if (key === null || value === null) return this.#dropped.add()
    this.#closed?.begin(record)
    this.#streamTime.reach(timestamp)
    this.#closeMs = this.#streamTime.currentMs - this.#graceMs
    // The record's right window is the last one it can be in.
    if (timestamp < this.#closeMs - this.#spanMs) return this.#dropped.add()
    this.#starts.length = 0
    this.#previousMs = NO_TIME
    this.#right = undefined
    // Early records close nothing, as in Kafka Streams.
    if (timestamp < this.#spanMs) return this.#processEarly(record)
    this.#processInOrder(record)
    this.#closed?.maybeSend(record)
  }

  /**
   * Looks at windows from the latest that may matter backwards, until the one that ends before the record.
   */
  #processInOrder(record: Record<K, V>): void {
    const { key, timestamp } = record
    const leftStartMs = timestamp - this.#spanMs
    let left: ValueAndTimestamp<A> | undefined
    let hasLeft = false
    const fromMs = Math.max(0, timestamp - 2 * this.#spanMs)
    for (const [startMs, stored] of this.#store.backwardFetch(key, { fromMs, toMs: timestamp + 1 })) {
      this.#starts.push(startMs)
      if (startMs < leftStartMs) {
        left = stored
        this.#previousMs = stored.timestamp
        break
      }
      if (startMs > timestamp) continue
      if (startMs > leftStartMs) {
        this.#right ??= this.#keepForRight(stored, timestamp)
        this.#update(record, startMs, stored.value, stored.timestamp)
        continue
      }
      hasLeft = true
      const latestMs = stored.timestamp
      this.#update(record, startMs, stored.value, latestMs)
      // An earlier record had this very time, and made all windows that this one needs.
      if (latestMs >= timestamp) return
      this.#previousMs = latestMs
    }
    if (this.#previousMs + this.#spanMs >= timestamp - 1) this.#createPreviousRight(record)
    if (!hasLeft) this.#createLeft(record, left)
    this.#createRight(record)
  }

  /** Processes an early record. The window from 0 on holds all of them, and is updated last. */
  #processEarly(record: Record<K, V>): void {
    const { key, timestamp } = record
    let first: ValueAndTimestamp<A> | undefined
    let firstForRight: ValueAndTimestamp<A> | undefined
    for (const [startMs, stored] of this.#store.fetch(key, { fromMs: 0, toMs: timestamp + 1 })) {
      this.#starts.push(startMs)
      if (startMs === 0) {
        first = stored
        firstForRight = this.#keepForRight(stored, timestamp)
        if (stored.timestamp < timestamp) this.#previousMs = stored.timestamp
      } else if (startMs <= timestamp) {
        this.#right = this.#keepForRight(stored, timestamp)
        this.#update(record, startMs, stored.value, stored.timestamp)
      }
    }
    this.#right ??= firstForRight
    this.#createRight(record)
    this.#createPreviousRight(record)
    if (first) this.#update(record, 0, first.value, first.timestamp)
    else this.#update(record, 0, this.#aggregation.initializer(), timestamp)
  }

  /**
   * The content of the record's right window: that of a window that reaches beyond the record, before the
   * record is added, if any of it is later than the record. A copy, since the aggregator may change the
   * object in place.
   */
  #keepForRight(stored: ValueAndTimestamp<A>, timestamp: number): ValueAndTimestamp<A> {
    const { value } = stored
    const isNeeded = stored.timestamp > timestamp && !this.#starts.includes(timestamp + 1)
    return isNeeded ? { value: keepOldValue(value), timestamp: stored.timestamp } : stored
  }

  /** Makes the right window of the earlier record, in which this record is the first one. */
  #createPreviousRight(record: Record<K, V>): void {
    if (this.#previousMs === NO_TIME) return
    const startMs = this.#previousMs + 1
    if (this.#starts.includes(startMs)) return
    this.#update(record, startMs, this.#aggregation.initializer(), record.timestamp)
  }

  /**
   * Makes the record's left window. `before`: the last window that ends before the record; its latest record
   * may lie in the left window.
   */
  #createLeft(record: Record<K, V>, before: ValueAndTimestamp<A> | undefined): void {
    const startMs = record.timestamp - this.#spanMs
    const value = before && this.#previousMs >= startMs ? before.value : this.#aggregation.initializer()
    this.#update(record, startMs, value, record.timestamp)
  }

  #createRight(record: Record<K, V>): void {
    const right = this.#right
    const startMs = record.timestamp + 1
    if (!right || right.timestamp <= record.timestamp || this.#starts.includes(startMs)) return
    this.#store.put(record.key, right, startMs)
    if (this.#forwarder.forwardsUpdates) {
      this.#forwarder.forward(record, startMs, startMs + this.#spanMs, right.value, null, right.timestamp)
    }
  }

  #update(record: Record<K, V>, startMs: number, before: A, beforeMs: number): void {
    if (startMs < this.#closeMs - this.#spanMs) return this.#dropped.add()
    const { key, value } = record
    const oldValue = this.#sendOldValues ? keepOldValue(before) : null
    const after = this.#aggregation.aggregator(before, value, key)
    const timestamp = before === null ? record.timestamp : Math.max(record.timestamp, beforeMs)
    this.#store.put(key, after === null ? null : { value: after, timestamp }, startMs)
    if (this.#forwarder.forwardsUpdates) {
      this.#forwarder.forward(record, startMs, startMs + this.#spanMs, after, oldValue, timestamp)
    }
  }

  /** How windows close: one that ends before the close time is closed, since its end belongs to it. */
  #closing(): Closing<Record<K, V>> {
    return {
      store: this.#store,
      streamTime: this.#streamTime,
      closeAfterMs: this.#graceMs,
      ageMs: this.#spanMs,
      send: (cause, range) => this.#forwarder.forwardFinal(cause, this.#store.fetchAll(range)),
    }
  }
}
