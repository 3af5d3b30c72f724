import type { Counter } from '../../common/metrics/meter.ts'
import type { Windowed } from '../../common/windowed.ts'
import { operatorContext } from '../../processor/operator-context.ts'
import type { Processor } from '../../processor/processor.ts'
import type { ProcessorContext } from '../../processor/processor-context.ts'
import type { Record } from '../../processor/record.ts'
import type { TimestampedWindowStore } from '../../store/contract/window-store.ts'
import type { Change } from '../kit/change.ts'
import type { TimeWindows } from '../windows/time-windows.ts'
import type { UnlimitedWindows } from '../windows/unlimited-windows.ts'
import { WindowGrid } from '../windows/window-grid.ts'
import type { Closing } from './closed-windows.ts'
import { ClosedWindows } from './closed-windows.ts'
import { droppedRecords } from '../kit/dropped-records.ts'
import { keepOldValue } from '../kit/old-value.ts'
import { OperatorStreamTime } from '../kit/operator-stream-time.ts'
import { WindowForwarder } from './window-forwarder.ts'
import type { WindowedAggregation } from './windowed-table.ts'
import { WindowedTable, windowStoreValues } from './windowed-table.ts'

/**
 * The table of aggregates by key and each window that a record lies in: tumbling, hopping and unlimited
 * windows.
 */
export function windowAggregate<K, V, A>(
  windows: TimeWindows | UnlimitedWindows,
  aggregation: WindowedAggregation<K, V, A>,
): WindowedTable {
  const grid = new WindowGrid(windows)
  return new WindowedTable(
    windowStoreValues(aggregation.storeName),
    sendOldValues => new WindowAggregate(grid, aggregation, sendOldValues),
  )
}

/**
 * Aggregates records. One without key is dropped; one without value is aggregated like any other. A window is
 * closed, and drops late records, once the operator's stream time has reached its end and the grace is over;
 * each closed window that the record lies in counts as one drop.
 */
class WindowAggregate<K, V, A> implements Processor<K, V, Windowed<K>, Change<A>> {
  readonly #grid: WindowGrid
  readonly #aggregation: WindowedAggregation<K, V, A>
  readonly #sendOldValues: boolean
  #store!: TimestampedWindowStore<K, A>
  #forwarder!: WindowForwarder<K, A>
  #dropped!: Counter
  #streamTime!: OperatorStreamTime
  /** Closed windows; undefined unless results are sent at the close. */
  #closed: ClosedWindows<Record<K, V>> | undefined

  constructor(grid: WindowGrid, aggregation: WindowedAggregation<K, V, A>, sendOldValues: boolean) {
    this.#grid = grid
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
    const { key, timestamp } = record
    if (key === null) return this.#dropped.add()
    const grid = this.#grid
    this.#closed?.begin(record)
    this.#streamTime.reach(timestamp)
    const closeMs = this.#streamTime.currentMs - grid.graceMs
    let left = grid.count(timestamp)
    let startMs = left === 0 ? 0 : grid.firstStartMs(timestamp)
    for (; left > 0; left -= 1) {
      // The comparison is not `end > closeMs`, since the end may be beyond what numbers hold exactly.
      if (startMs > closeMs - grid.sizeMs) this.#update(record, startMs)
      else this.#dropped.add()
      startMs += grid.advanceMs
    }
    this.#closed?.maybeSend(record)
  }

  #update(record: Record<K, V>, startMs: number): void {
    const { key, value } = record
    const { initializer, aggregator } = this.#aggregation
    const stored = this.#store.fetch(key, startMs)
    const before = stored ? stored.value : initializer()
    const timestamp = stored ? Math.max(record.timestamp, stored.timestamp) : record.timestamp
    const oldValue = this.#sendOldValues ? keepOldValue(before) : null
    const after = aggregator(before, value, key)
    this.#store.put(key, after === null ? null : { value: after, timestamp }, startMs)
    if (this.#forwarder.forwardsUpdates) {
      this.#forwarder.forward(record, startMs, this.#grid.endMs(startMs), after, oldValue, timestamp)
    }
  }

  /** How windows close: one that ends with the close time is closed. */
  #closing(): Closing<Record<K, V>> {
    const { graceMs, sizeMs } = this.#grid
    return {
      store: this.#store,
      streamTime: this.#streamTime,
      closeAfterMs: graceMs,
      ageMs: sizeMs - 1,
      send: (cause, range) => this.#forwarder.forwardFinal(cause, this.#store.fetchAll(range)),
      // Between two looks within one advance no window can have ended.
      isEmpty: ({ fromMs, toMs }) => this.#grid.alike(toMs, Math.max(0, fromMs - 1)),
    }
  }
}
