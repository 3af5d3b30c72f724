import { assert } from '../../common/assert.ts'
import type { KeyInBuffer } from '../../common/record-context.ts'
import type { FlushListener } from '../contract/key-value-store.ts'
import type { KeyTexts } from '../contract/prefetching-store.ts'
import type { ChangelogRecord, StoreContext } from '../contract/state-store.ts'
import { storeClosed } from '../contract/store-error.ts'
import { storeEntriesRange } from '../contract/store-name.ts'
import type { ExpiryListener } from '../contract/window-store.ts'
import type { WriteBatch } from '../engine/write-batch.ts'
import { changelogHeaders, changelogRecord, isDeletion } from '../format/value-format.ts'
import { ValueState } from '../format/value-state.ts'
import { TimedEntry, type Slot, type TimedKey } from './timed-entry.ts'
import type { TimedPlace } from './timed-places.ts'
import { openTimedResources, type TimedResources, type TimedStoreSettings } from './timed-resources.ts'

/** Makes a row of a range's result. */
export type MakeRow<K, V, R> = (key: K, time: number, suffix: number, value: V) => R

/**
 * The common part of window and session stores: entries by key, time and suffix, which end when they are
 * older than the latest time by the retention. An index in memory has the places of all entries; their values
 * are in memory or in the engine, as in the key-value store.
 */
export class TimedStore<K, V> {
  readonly #settings: TimedStoreSettings
  #resources: TimedResources<K, V> | undefined
  #expiryListener: ExpiryListener | undefined
  #largestSuffix = 0
  // The last key that was looked up in vain: it is mostly put next.
  #missedKey: unknown = undefined
  #missedId = ''

  constructor(settings: TimedStoreSettings) {
    this.#settings = settings
  }

  get uncommittedBytes(): number {
    return this.#resources?.entries.uncommittedBytes ?? 0
  }

  /** The largest suffix that was loaded or restored. */
  get largestSuffix(): number {
    return this.#largestSuffix
  }

  /** Whether retention has ended what is of this time. */
  hasExpired(time: number): boolean {
    return time <= this.resources().retention.expiredThroughMs
  }

  open(context: StoreContext): void {
    assert(this.#resources === undefined, `store ${this.#settings.name} is open already`)
    this.#resources = openTimedResources(this.#settings, context)
  }

  async load(): Promise<void> {
    const { retention, context, codec, index } = this.resources()
    const range = await retention.load()
    for await (const [engineKey] of context.engine.entries({ ...range, values: false })) {
      const { id, time, suffix } = codec.readEngineKey(engineKey)
      index.insertBare(id, time, suffix)
      if (suffix > this.#largestSuffix) this.#largestSuffix = suffix
    }
  }

  prefetch(keys: readonly KeyInBuffer[], start: number, texts: KeyTexts): number {
    return this.resources().index.prefetch(keys, start, texts)
  }

  get(key: K, time: number, suffix: number): V | undefined {
    const resources = this.#resources ?? this.resources()
    const found = resources.index.find(key) ?? this.#findBySerializing(key, resources)
    if (found === undefined) return undefined
    const index = found.find(time, suffix)
    if (index < 0) return undefined
    const value = resources.entries.read(this.#entryAt(found, index, resources))
    resources.entries.makeRoom()
    return value
  }

  put(key: K, time: number, suffix: number, value: V | null): void {
    const { name } = this.#settings
    if (value === undefined) throw new TypeError(`store "${name}": undefined cannot be a value; null deletes`)
    if (!Number.isSafeInteger(time) || time < 0) {
      throw new TypeError(
        `store "${name}": ${time} cannot be a time: it takes whole milliseconds since the epoch`,
      )
    }
    const resources = this.resources()
    this.#reach(time, resources)
    if (time <= resources.retention.expiredThroughMs) {
      resources.dropped.value += 1
      this.#logUnwritten(key, time, suffix, value, resources)
      // A late value is forwarded though the store has dropped it, as without a cache: lateness is decided by
      // the writer.
      if (!isDeletion(value)) resources.entries.tellListener({ key, time, suffix }, value as V)
      return
    }
    this.#put(key, time, suffix, value, resources)
  }

  /** Deletes an entry. Unlike a put of null this does not advance time, and is never dropped. */
  delete(key: K, time: number, suffix: number): void {
    const resources = this.resources()
    if (!this.hasExpired(time)) this.#put(key, time, suffix, null, resources)
    else this.#logUnwritten(key, time, suffix, null, resources)
  }

  /**
   * Logs a tombstone that changes nothing, where every write is logged, as Kafka Streams does: it advances
   * time, and may be too late.
   */
  logDeletion(key: K, time: number, suffix: number): void {
    const resources = this.resources()
    this.#reach(time, resources)
    if (time <= resources.retention.expiredThroughMs) resources.dropped.value += 1
    this.#logUnwritten(key, time, suffix, null, resources)
  }

  /** Rows of one key by time, then suffix, up to `suffixMax`; both bounds of time are included. */
  rowsOfKey<R>(key: K, fromTime: number, toTime: number, suffixMax: number, make: MakeRow<K, V, R>): R[] {
    const resources = this.resources()
    const found = resources.index.find(key) ?? this.#findBySerializing(key, resources)
    const rows: R[] = []
    if (found === undefined) return rows
    for (let i = found.firstFrom(fromTime); i < found.count; i += 1) {
      const { time, suffix } = found.at(i)!
      if (time > toTime) break
      if (suffix > suffixMax) continue
      const value = resources.entries.read(this.#entryAt(found, i, resources))
      if (value !== undefined) rows.push(make(key, time, suffix, value))
    }
    resources.entries.makeRoom()
    return rows
  }

  setFlushListener(
    listener: FlushListener<TimedPlace<K>, V>,
    options: { readonly sendOldValues: boolean },
  ): boolean {
    return this.resources().entries.setFlushListener(listener, options.sendOldValues)
  }

  /**
   * Sets the listener that a put calls when its time ends entries, while they are still there. A restore does
   * not call it: those entries had ended before.
   */
  setExpiryListener(listener: ExpiryListener): void {
    this.#expiryListener = listener
  }

  restore(records: readonly ChangelogRecord[]): void {
    const resources = this.resources()
    for (const record of records) if (record.key !== null) this.#restore(record.key, record, resources)
    resources.retention.seal()
  }

  async *content(): AsyncGenerator<ChangelogRecord> {
    const { context, codec, values } = this.resources()
    for await (const [engineKey, row] of context.engine.entries(storeEntriesRange(this.#settings.name))) {
      const { id, time, suffix } = codec.readEngineKey(engineKey)
      // The entry's time serves as the record's, from which retention counts: it is not after that.
      yield changelogRecord(values, codec.changelogKey(id, time, suffix), row, time)
    }
  }

  flush(): void {
    this.resources().entries.flush()
  }

  prepareCommit(): void {
    const { retention, entries } = this.resources()
    retention.seal()
    entries.prepareCommit()
  }

  stage(batch: WriteBatch): void {
    const { retention, entries } = this.resources()
    entries.stage(batch)
    retention.stage(batch)
  }

  staged(): void {
    // A store that was closed meanwhile ignores its batch: its task was given up or built anew.
    if (!this.#resources) return
    const { retention, entries } = this.#resources
    entries.staged()
    retention.staged()
  }

  close(): void {
    if (!this.#resources) return
    const { index, entries } = this.#resources
    entries.clear()
    index.clear()
    this.#resources = undefined
    this.#expiryListener = undefined
    this.#missedKey = undefined
  }

  /** Throws `STORE_CLOSED` where the store is not open. */
  resources(): TimedResources<K, V> {
    if (this.#resources === undefined) throw storeClosed(this.#settings.name)
    return this.#resources
  }

  /** The present state of a place, without bringing it into memory. */
  stateOf(key: TimedKey, time: number, suffix: number): ValueState {
    const index = key.find(time, suffix)
    const slot = index < 0 ? undefined : key.at(index)
    if (slot instanceof TimedEntry && slot.state !== 'unread') return slot
    return this.#stateBelow(key.id, time, suffix)
  }

  #stateBelow(id: string, time: number, suffix: number): ValueState {
    const { places, values } = this.resources()
    const state = new ValueState()
    const row = places.rowOf(id, time, suffix)
    if (row === undefined) state.state = 'absent'
    else values.load(state, row)
    return state
  }

  #findBySerializing(key: K, { index, codec }: TimedResources<K, V>): TimedKey | undefined {
    if (key === null || key === undefined)
      throw new TypeError(`store "${this.#settings.name}": a key cannot be ${key}`)
    const id = this.#idOf(key, codec)
    const found = index.findById(id, key)
    if (found === undefined && typeof key !== 'object' && !(key === 0)) {
      this.#missedKey = key
      this.#missedId = id
    }
    return found
  }

  #idOf(key: K, { keys }: TimedResources<K, V>['codec']): string {
    return key === this.#missedKey && key !== undefined ? this.#missedId : keys.id(key)
  }

  #entryAt(key: TimedKey, index: number, { index: places, cache }: TimedResources<K, V>): TimedEntry {
    const slot = key.at(index)!
    if (slot instanceof TimedEntry) return slot
    const entry = places.materialize(key, index)
    cache.add(entry)
    return entry
  }

  #reach(time: number, resources: TimedResources<K, V>): void {
    const { retention, index } = resources
    if (this.#expiryListener && retention.isNew(time)) {
      const throughMs = retention.expiredThroughMsAt(time)
      if (index.reachesTo(throughMs)) this.#expiryListener(throughMs)
    }
    this.#observe(time, resources)
  }

  #observe(time: number, resources: TimedResources<K, V>): void {
    const { retention, index } = resources
    if (retention.advance(time)) index.expire(retention.expiredThroughMs, this.#expire)
  }

  readonly #expire = (key: TimedKey, slot: Slot): void => {
    const { retention, index, cache } = this.resources()
    const { time, suffix } = slot
    retention.expired()
    if (index.watched) {
      const isRead = slot instanceof TimedEntry && slot.state !== 'unread'
      index.save(key, time, suffix, isRead ? slot : this.#stateBelow(key.id, time, suffix))
    }
    if (slot instanceof TimedEntry) cache.expire(slot)
  }

  #put(key: K, time: number, suffix: number, value: V | null, resources: TimedResources<K, V>): void {
    const { index, entries, cache, codec } = resources
    const found = index.find(key) ?? this.#findBySerializing(key, resources)
    const at = found === undefined ? -1 : found.find(time, suffix)
    let entry: TimedEntry
    if (found !== undefined && at >= 0) entry = this.#entryAt(found, at, resources)
    else if (isDeletion(value) && !entries.holdsBack) {
      this.#logUnwritten(key, time, suffix, null, resources)
      return
    } else {
      entry = index.insert(found ?? index.enter(this.#idOf(key, codec), key), time, suffix)
      entry.state = 'absent'
      cache.add(entry)
    }
    entries.put(entry, value)
  }

  #restore(key: Uint8Array, record: ChangelogRecord, resources: TimedResources<K, V>): void {
    const { codec, index, retention, values, restored, entries } = resources
    const { id, time, suffix } = codec.readChangelogKey(key)
    this.#observe(time, resources)
    if (time <= retention.expiredThroughMs) return
    if (suffix > this.#largestSuffix) this.#largestSuffix = suffix
    const found = index.findById(id, undefined)
    const at = found === undefined ? -1 : found.find(time, suffix)
    const { value, timestamp } = record
    if (value === null && at < 0) return
    // An entry in memory has to change with the row, and an open iterator must be told.
    if (index.watched || (found !== undefined && found.at(at) instanceof TimedEntry)) {
      const entry =
        found === undefined || at < 0 ? this.#insertAbsent(id, time, suffix, resources) : undefined
      const bytes = value === null ? null : values.fromChangelog(value, timestamp, record)
      entries.restore(entry ?? this.#entryAt(found!, at, resources), bytes, timestamp)
      return
    }
    if (value === null) index.remove(found!, at)
    else if (at < 0) index.insertBare(id, time, suffix)
    restored.add(
      record,
      codec.lookUpKey(id, time, suffix),
      value === null ? null : values.transientRow(value, timestamp, record),
    )
  }

  #insertAbsent(
    id: string,
    time: number,
    suffix: number,
    { index, cache }: TimedResources<K, V>,
  ): TimedEntry {
    const entry = index.insert(index.enter(id, undefined), time, suffix)
    entry.state = 'absent'
    cache.add(entry)
    return entry
  }

  /**
   * Logs a write that the store did not take: Kafka Streams logs above the store, whatever the store makes of
   * it.
   */
  #logUnwritten(
    key: K,
    time: number,
    suffix: number,
    value: V | null,
    { codec, values, context, logNow }: TimedResources<K, V>,
  ): void {
    if (!logNow) return
    const state = new ValueState()
    if (isDeletion(value)) state.timestamp = context.recordContext().timestamp
    else values.write(state, value as V, context)
    const bytes = isDeletion(value) ? null : values.changelogValue(state)
    const headers = changelogHeaders(values, state)
    logNow(codec.changelogKey(codec.keys.id(key), time, suffix), bytes, state.timestamp, headers)
  }
}
