import { ValueState } from '../format/value-state.ts'
import type { Isolation } from './read-only-view.ts'
import type { ScanBounds } from '../windows/timed-scan.ts'
import { scan } from '../windows/timed-scan.ts'
import type { MakeRow, TimedStore } from '../windows/timed-store.ts'

/**
 * Entries by key and time for readers from outside the record path. Entries that retention has ended by the
 * latest time put are not shown, whether that is committed or not.
 */
export class TimedView<K, V> {
  readonly #store: TimedStore<K, V>
  readonly #isolation: Isolation

  constructor(store: TimedStore<K, V>, isolation: Isolation) {
    this.#store = store
    this.#isolation = isolation
  }

  get(key: K, time: number, suffix: number): V | undefined {
    const { retention, codec, values, index } = this.#store.resources()
    if (time <= retention.expiredThroughMs) return undefined
    const id = codec.keys.id(key)
    if (this.#isolation === 'committed') return values.read(this.#committed(id, time, suffix))
    const found = index.findById(id, undefined)
    if (found === undefined || found.find(time, suffix) < 0) return undefined
    return values.read(this.#store.stateOf(found, time, suffix))
  }

  /**
   * Committed rows of a key. The index leads to all of them: a deleted entry keeps its place until the
   * deletion is committed.
   */
  rowsOfKey<R>(key: K, fromTime: number, toTime: number, suffixMax: number, make: MakeRow<K, V, R>): R[] {
    const { index, codec, values } = this.#store.resources()
    const found = index.findById(codec.keys.id(key), undefined)
    const rows: R[] = []
    if (found === undefined) return rows
    for (let i = found.firstFrom(fromTime); i < found.count; i += 1) {
      const { time, suffix } = found.at(i)!
      if (time > toTime) break
      if (suffix > suffixMax) continue
      const state =
        this.#isolation === 'committed'
          ? this.#committed(found.id, time, suffix)
          : this.#store.stateOf(found, time, suffix)
      const value = values.read(state)
      if (value !== undefined) rows.push(make(key, time, suffix, value))
    }
    return rows
  }

  /** Entries in a range of keys and times, as of the moment of the call. */
  scan<R>(bounds: ScanBounds<K>, make: MakeRow<K, V, R>): AsyncIterable<R> {
    if (this.#isolation === 'latest') return later(scan(this.#store, bounds, make))
    const { context, codec, retention } = this.#store.resources()
    const { fromTime, toTime, reverse } = bounds
    const lowest = Math.max(0, fromTime, retention.expiredThroughMs + 1)
    if (lowest > toTime) return later([])
    const committed = context.engine.entries({
      gte: codec.engineBound(lowest),
      lt: toTime >= Number.MAX_SAFE_INTEGER ? codec.engineEnd : codec.engineBound(toTime + 1),
      reverse,
    })
    return this.#rows(committed, bounds, make)
  }

  async *#rows<R>(
    committed: AsyncIterable<readonly [Uint8Array, Uint8Array]>,
    { keys, suffixMax }: ScanBounds<K>,
    make: MakeRow<K, V, R>,
  ): AsyncGenerator<R> {
    const { codec, values } = this.#store.resources()
    const low = keys.from === undefined ? undefined : codec.keys.id(keys.from)
    const high = keys.to === undefined ? undefined : codec.keys.id(keys.to)
    for await (const [engineKey, engineValue] of committed) {
      const { id, time, suffix } = codec.readEngineKey(engineKey)
      if (suffix > suffixMax || (low !== undefined && id < low) || (high !== undefined && id > high)) continue
      const state = new ValueState()
      values.load(state, engineValue)
      const value = values.read(state)
      if (value !== undefined) yield make(codec.keys.key(id), time, suffix, value)
    }
  }

  #committed(id: string, time: number, suffix: number): ValueState {
    const { context, codec, values } = this.#store.resources()
    const state = new ValueState()
    const bytes = context.engine.get(codec.lookUpKey(id, time, suffix))
    if (bytes === undefined) state.setAbsent()
    else values.load(state, bytes)
    return state
  }
}

async function* later<R>(rows: Iterable<R>): AsyncGenerator<R> {
  yield* rows
}
