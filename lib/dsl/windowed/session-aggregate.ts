import type { Counter } from '../../common/metrics/meter.ts'
import type { Windowed } from '../../common/windowed.ts'
import { operatorContext } from '../../processor/operator-context.ts'
import type { Processor } from '../../processor/processor.ts'
import type { ProcessorContext } from '../../processor/processor-context.ts'
import type { Record } from '../../processor/record.ts'
import type { ValueAndTimestamp } from '../../store/contract/key-value-store.ts'
import type { SessionStore } from '../../store/contract/session-store.ts'
import type { Change } from '../kit/change.ts'
import type { SessionMerger } from '../options/functions.ts'
import type { TableValueGetter, ValueReader } from '../kit/table-operator.ts'
import type { SessionWindows } from '../windows/session-windows.ts'
import type { Closing } from './closed-windows.ts'
import { ClosedWindows } from './closed-windows.ts'
import { droppedRecords } from '../kit/dropped-records.ts'
import { keepOldValue } from '../kit/old-value.ts'
import { OperatorStreamTime } from '../kit/operator-stream-time.ts'
import { SessionForwarder } from './session-forwarder.ts'
import type { WindowedAggregation } from './windowed-table.ts'
import { WindowedTable } from './windowed-table.ts'

export interface SessionAggregation<K, V, A> extends WindowedAggregation<K, V, A> {
  readonly merger: SessionMerger<K, A>
}

/** The table of aggregates by session of a key. */
export function sessionAggregate<K, V, A>(
  windows: SessionWindows,
  aggregation: SessionAggregation<K, V, A>,
): WindowedTable {
  return new WindowedTable(
    sessionStoreValues(aggregation.storeName),
    sendOldValues => new SessionAggregate(windows, aggregation, sendOldValues),
  )
}

type Session<K, A> = readonly [Windowed<K>, A]

/**
 * A record joins all sessions within the gap and makes them one. Every session that it joins is taken back
 * with a deletion, earliest first, even if the bounds stay as they are; only a session of a single moment is
 * updated in place by a record of that moment. A record without key is dropped; one without value is
 * aggregated like any other.
 */
class SessionAggregate<K, V, A> implements Processor<K, V, Windowed<K>, Change<A>> {
  readonly #gapMs: number
  /** Time between stream time and the close time. */
  readonly #closeAfterMs: number
  readonly #aggregation: SessionAggregation<K, V, A>
  readonly #sendOldValues: boolean
  readonly #joined: Session<K, A>[] = []
  #store!: SessionStore<K, A>
  #forwarder!: SessionForwarder<K, A>
  #dropped!: Counter
  #streamTime!: OperatorStreamTime
  #closed: ClosedWindows<Record<K, V>> | undefined

  constructor(windows: SessionWindows, aggregation: SessionAggregation<K, V, A>, sendOldValues: boolean) {
    this.#gapMs = windows.inactivityGapMs
    this.#closeAfterMs = windows.graceMs + windows.inactivityGapMs
    this.#aggregation = aggregation
    this.#sendOldValues = sendOldValues
  }

  init(context: ProcessorContext<Windowed<K>, Change<A>>): void {
    const { storeName, id, emit } = this.#aggregation
    const operator = operatorContext(context)
    this.#store = context.getStateStore(storeName)
    this.#dropped = droppedRecords(context)
    this.#streamTime = new OperatorStreamTime(operator, id)
    this.#forwarder = new SessionForwarder(context, this.#store, emit, this.#sendOldValues)
    if (emit === 'on-window-close') this.#closed = new ClosedWindows(operator, id, this.#closing())
  }

  process(record: Record<K, V>): void {
    const { key, timestamp } = record
    if (key === null) return this.#dropped.add()
    this.#closed?.begin(record)
    this.#streamTime.reach(timestamp)
    const closeMs = this.#streamTime.currentMs - this.#closeAfterMs
    const span = { earliestEndMs: timestamp - this.#gapMs, latestStartMs: timestamp + this.#gapMs }
    let startMs = timestamp
    let endMs = timestamp
    for (const session of this.#store.findSessions(key, span)) {
      const { window } = session[0]
      startMs = Math.min(startMs, window.startMs)
      endMs = Math.max(endMs, window.endMs)
      this.#joined.push(session)
    }
    if (endMs < closeMs) this.#dropped.add()
    else this.#join(record, { key, window: { startMs, endMs } })
    this.#joined.length = 0
    this.#closed?.maybeSend(record)
  }

  /**
   * Joins a record with a session. The old aggregate is put aside for its deletion first, since mergers may
   * change it in place.
   */
  #join(record: Record<K, V>, session: Windowed<K>): void {
    const { key, value } = record
    const { initializer, aggregator, merger } = this.#aggregation
    const joined = this.#joined
    const replaces = session.window.startMs !== session.window.endMs
    let aggregate = initializer()
    for (let i = 0; i < joined.length; i += 1) {
      const [windowed, before] = joined[i] as Session<K, A>
      if (replaces && this.#sendOldValues) joined[i] = [windowed, keepOldValue(before)]
      aggregate = merger(aggregate, before, key)
    }
    if (replaces) for (const [windowed, before] of joined) this.#takeBack(windowed, before)
    aggregate = aggregator(aggregate, value, key)
    this.#store.put(session, aggregate)
    if (this.#forwarder.forwardsUpdates) this.#forwarder.forward(session, aggregate, null)
  }

  #takeBack(windowed: Windowed<K>, before: A): void {
    this.#store.remove(windowed)
    if (this.#forwarder.forwardsUpdates) {
      this.#forwarder.forward(windowed, null, this.#sendOldValues ? before : null)
    }
  }

  /** How sessions close: one that ends before the close time is closed. */
  #closing(): Closing<Record<K, V>> {
    return {
      store: this.#store,
      streamTime: this.#streamTime,
      closeAfterMs: this.#closeAfterMs,
      ageMs: 0,
      send: (cause, range) => this.#forwarder.forwardFinal(cause, this.#store.findSessionsByEnd(range)),
    }
  }
}

export function sessionStoreValues(storeName: string): TableValueGetter {
  return { storeNames: [storeName], reader: () => new SessionReader(storeName) }
}

/** Reads the rows of sessions, whose time is the session's end. */
class SessionReader implements ValueReader {
  readonly #storeName: string
  #store!: SessionStore<unknown, unknown>

  constructor(storeName: string) {
    this.#storeName = storeName
  }

  init(context: ProcessorContext): void {
    this.#store = context.getStateStore(this.#storeName)
  }

  get(key: unknown): ValueAndTimestamp<unknown> | undefined {
    const windowed = key as Windowed<unknown>
    const value = this.#store.fetchSession(windowed.key, windowed.window)
    return value === undefined ? undefined : { value, timestamp: windowed.window.endMs }
  }
}
