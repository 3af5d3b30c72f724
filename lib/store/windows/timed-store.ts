import { assert } from '../../common/assert.ts'
import type { KeyInBuffer } from '../../common/record-context.ts'
import type { KeyTexts } from '../contract/prefetching-store.ts'
import type { WriteBatch } from '../engine/write-batch.ts'
import type { FlushListener } from '../contract/key-value-store.ts'
import type { HeldChange } from '../memory/dirty-changes.ts'
import { ValueState, WAS_ABSENT, WAS_THERE } from '../format/value-state.ts'
import { changelogHeaders, changelogRecord, isDeletion, valueBytes } from '../format/value-format.ts'
import type { ChangelogRecord, StoreContext } from '../contract/state-store.ts'
import { storeClosed } from '../contract/store-error.ts'
import { storeEntriesRange } from '../contract/store-name.ts'
import type { ExpiryListener } from '../contract/window-store.ts'
import { TimedEntry, type Slot, type TimedKey } from './timed-entry.ts'
import type { TimedResources, TimedStoreSettings } from './timed-resources.ts'
import { openTimedResources } from './timed-resources.ts'

/** A key with the place of its entry. */
export interface TimedPlace<K> {
  readonly key: K
  readonly time: number
  readonly suffix: number
}

/** Builds what a range hands out. */
export type MakeRow<K, V, R> = (key: K, time: number, suffix: number, value: V) => R

/**
 * What window and session stores have in common: entries by key, time and suffix, of which those end that are
 * older than the latest time by the retention. An index in memory knows which there are; each is in memory,
 * or in the engine, as in the key-value store.
 *
 * What to keep in mind when changing it: an entry that is not pinned may be evicted at any `trim`, so it is
 * pinned before anything can trim, and `trim` comes last; the last `unpin` of an absent entry takes it out of
 * the index.
 */
export class TimedStore<K, V> {
  readonly #settings: TimedStoreSettings
  #resources: TimedResources<K, V> | undefined
  #listener: FlushListener<TimedPlace<K>, V> | undefined
  #sendOldValues = false
  #expiryListener: ExpiryListener | undefined
  #largestSuffix = 0
  // A key that was just looked up in vain is mostly put next.
  #missedKey: unknown = undefined
  #missedId = ''

  constructor(settings: TimedStoreSettings) {
    this.#settings = settings
  }

  get uncommittedBytes(): number {
    const resources = this.#resources
    return resources ? resources.cache.pinnedBytes + resources.buffer.byteLength : 0
  }

  /** Of what was loaded or restored. */
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
    const value = this.#valueAt(found, index, resources)
    if (resources.cache.overfull) resources.cache.trim()
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
      // It is the writer who decides what is late: without a cache it forwards what the store has dropped,
      // too.
      if (resources.held && !isDeletion(value))
        this.#tellUnwritten({ key, time, suffix }, value as V, resources)
      return
    }
    this.#put(key, time, suffix, value, resources)
  }

  /** As a put of null, but it is no sign of time, and never dropped. */
  delete(key: K, time: number, suffix: number): void {
    const resources = this.resources()
    if (!this.hasExpired(time)) this.#put(key, time, suffix, null, resources)
    else this.#logUnwritten(key, time, suffix, null, resources)
  }

  /**
   * A tombstone that changes nothing, sent where every write is, as Kafka Streams sends it; it is a sign of
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
      const value = this.#valueAt(found, i, resources)
      if (value !== undefined) rows.push(make(key, time, suffix, value))
    }
    if (resources.cache.overfull) resources.cache.trim()
    return rows
  }

  setFlushListener(
    listener: FlushListener<TimedPlace<K>, V>,
    options: { readonly sendOldValues: boolean },
  ): boolean {
    if (!this.resources().held) return false
    this.#listener = listener
    this.#sendOldValues = options.sendOldValues
    return true
  }

  /**
   * Called by a put whose time ends entries, while they are still there. Not by a restore: what it ends had
   * ended before.
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
      // Retention counts from the record's time, which is not before that of the entry.
      yield changelogRecord(values, codec.changelogKey(id, time, suffix), row, time)
    }
  }

  flush(): void {
    const resources = this.resources()
    const { held } = resources
    // What a listener writes to this very store is held again: as long as there is any, the commit would miss
    // it.
    while (held && held.size > 0) this.#flushOnce(resources)
  }

  prepareCommit(): void {
    const { buffer, held, context, retention } = this.resources()
    assert(
      !held || held.size === 0,
      `store ${this.#settings.name} holds changes back: flush comes before prepareCommit`,
    )
    const log = context.changelogCoalescing ? context.log : undefined
    retention.seal()
    buffer.seal(entry => this.#seal(entry, log))
  }

  stage(batch: WriteBatch): void {
    const { buffer, restored, retention } = this.resources()
    // Restored writes first: what has an entry, and so a write in the buffer, had it after them.
    restored.stage(batch)
    buffer.stage(batch)
    retention.stage(batch)
  }

  staged(): void {
    // The batch of a store that was closed meanwhile: its task was given up or built anew.
    if (!this.#resources) return
    const { buffer, restored, cache, retention } = this.#resources
    restored.staged()
    buffer.staged()
    retention.staged()
    if (cache.overfull) cache.trim()
  }

  close(): void {
    if (!this.#resources) return
    const { cache, buffer, restored, held, index } = this.#resources
    for (const layer of [cache, buffer, restored, held, index]) layer?.clear()
    this.#resources = undefined
    this.#listener = undefined
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
    const state = new ValueState()
    this.#load(state, key.id, time, suffix)
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

  #valueAt(key: TimedKey, index: number, resources: TimedResources<K, V>): V | undefined {
    const { values, cache } = resources
    const slot = key.at(index)!
    if (slot instanceof TimedEntry && slot.state !== 'unread') {
      slot.touched = true
      return values.read(slot)
    }
    const entry = this.#entryAt(key, index, resources)
    this.#load(entry, key.id, entry.time, entry.suffix)
    const value = values.read(entry)
    cache.resize(entry, valueBytes(entry))
    return value
  }

  #entryAt(key: TimedKey, index: number, { index: places, cache }: TimedResources<K, V>): TimedEntry {
    const slot = key.at(index)!
    if (slot instanceof TimedEntry) return slot
    const entry = places.materialize(key, index)
    cache.add(entry)
    return entry
  }

  /** From what a restore has just brought, or else from the engine. */
  #load(state: ValueState, id: string, time: number, suffix: number): void {
    const { restored, context, codec, values } = this.resources()
    const brought = restored.isEmpty ? undefined : restored.find(codec.engineId(id, time, suffix))
    const bytes = brought === undefined ? context.engine.get(codec.lookUpKey(id, time, suffix)) : brought
    if (bytes === undefined || bytes === null) state.state = 'absent'
    else values.load(state, bytes)
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
      const state = new ValueState()
      if (slot instanceof TimedEntry && slot.state !== 'unread') index.save(key, time, suffix, slot)
      else {
        this.#load(state, key.id, time, suffix)
        index.save(key, time, suffix, state)
      }
    }
    if (slot instanceof TimedEntry) cache.expire(slot)
  }

  #put(key: K, time: number, suffix: number, value: V | null, resources: TimedResources<K, V>): void {
    const { index, held, cache, codec } = resources
    const found = index.find(key) ?? this.#findBySerializing(key, resources)
    const at = found === undefined ? -1 : found.find(time, suffix)
    let entry: TimedEntry
    if (found !== undefined && at >= 0) entry = this.#entryAt(found, at, resources)
    else if (isDeletion(value) && !held) {
      this.#logUnwritten(key, time, suffix, null, resources)
      return
    } else {
      entry = index.insert(found ?? index.enter(this.#idOf(key, codec), key), time, suffix)
      entry.state = 'absent'
      cache.add(entry)
    }
    if (held) this.#hold(entry, value, resources)
    else this.#write(entry, value, resources)
  }

  #hold(entry: TimedEntry, value: V | null, resources: TimedResources<K, V>): void {
    const held = resources.held!
    if (entry.state === 'unread') this.#load(entry, entry.id, entry.time, entry.suffix)
    const before = entry.heldBefore ?? this.#stateBefore(entry)
    this.#change(entry, value, resources)
    held.hold(entry, before, resources.context.recordContext())
    if (held.overfull) this.#flushOnce(resources)
  }

  #stateBefore(entry: TimedEntry): ValueState {
    if (this.#sendOldValues) return entry.copyState()
    return entry.state === 'absent' ? WAS_ABSENT : WAS_THERE
  }

  #write(entry: TimedEntry, value: V | null, resources: TimedResources<K, V>): void {
    this.#change(entry, value, resources)
    resources.buffer.mark(entry)
    if (resources.logNow) this.#log(entry, resources)
  }

  #change(entry: TimedEntry, value: V | null, resources: TimedResources<K, V>): void {
    const { values, context, cache } = resources
    this.#beforeChange(entry, resources)
    if (isDeletion(value)) {
      entry.setAbsent()
      entry.timestamp = context.recordContext().timestamp
    } else {
      values.write(entry, value as V, context)
    }
    cache.resize(entry, valueBytes(entry))
  }

  #beforeChange(entry: TimedEntry, { index }: TimedResources<K, V>): void {
    if (!index.watched) return
    if (entry.state === 'unread') this.#load(entry, entry.id, entry.time, entry.suffix)
    index.save(entry.key, entry.time, entry.suffix, entry)
  }

  #restore(key: Uint8Array, record: ChangelogRecord, resources: TimedResources<K, V>): void {
    const { codec, index, retention, values, restored } = resources
    const { id, time, suffix } = codec.readChangelogKey(key)
    this.#observe(time, resources)
    if (time <= retention.expiredThroughMs) return
    if (suffix > this.#largestSuffix) this.#largestSuffix = suffix
    const found = index.findById(id, undefined)
    const at = found === undefined ? -1 : found.find(time, suffix)
    const { value, timestamp } = record
    if (value === null && at < 0) return
    // Whatever is in memory of the entry has to change with it; an open iterator must be told.
    if (index.watched || (found !== undefined && found.at(at) instanceof TimedEntry)) {
      const entry =
        found === undefined || at < 0 ? this.#insertAbsent(id, time, suffix, resources) : undefined
      const bytes = value === null ? null : values.fromChangelog(value, timestamp, record)
      this.#restoreEntry(entry ?? this.#entryAt(found!, at, resources), bytes, timestamp, resources)
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

  #restoreEntry(
    entry: TimedEntry,
    bytes: Uint8Array | null,
    timestamp: number,
    resources: TimedResources<K, V>,
  ): void {
    const { buffer, cache, codec } = resources
    this.#beforeChange(entry, resources)
    if (bytes === null) entry.setAbsent()
    else entry.setBytes(bytes, timestamp)
    buffer.sealRow(entry, codec.lookUpKey(entry.id, entry.time, entry.suffix), bytes)
    cache.resize(entry, valueBytes(entry))
  }

  #seal(entry: TimedEntry, log: StoreContext['log']): void {
    // It will not be written any more, and what was written of it before leaves with its time.
    if (entry.expired) return
    const { codec, values, buffer } = this.resources()
    const { id, time, suffix } = entry
    const value = entry.state === 'absent' ? null : values.changelogValue(entry)
    buffer.sealRow(entry, codec.lookUpKey(id, time, suffix), value && values.engineValue(entry, value))
    log?.(codec.changelogKey(id, time, suffix), value, entry.timestamp, changelogHeaders(values, entry))
  }

  #log(entry: TimedEntry, { codec, values, logNow }: TimedResources<K, V>): void {
    if (!logNow) return
    const value = entry.state === 'absent' ? null : values.changelogValue(entry)
    const headers = changelogHeaders(values, entry)
    logNow(codec.changelogKey(entry.id, entry.time, entry.suffix), value, entry.timestamp, headers)
  }

  /** Kafka Streams logs above the store, whatever the store makes of the write. */
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

  #tellUnwritten(place: TimedPlace<K>, value: V, { context }: TimedResources<K, V>): void {
    this.#listener?.(place, value, undefined, context.recordContext().timestamp)
  }

  #flushOnce(resources: TimedResources<K, V>): void {
    resources.held!.releaseAll(change => this.#release(change, resources))
  }

  #release(change: HeldChange<TimedEntry>, resources: TimedResources<K, V>): void {
    const { buffer, context, forgotten, dropped } = resources
    const { entry } = change
    const isForgotten = forgotten?.covers(entry.time) ?? false
    const before = isForgotten ? WAS_ABSENT : change.before
    const nothingHappened = entry.state === 'absent' && before.state === 'absent'
    const isSilent = nothingHappened && (this.#listener !== undefined || context.changelogCoalescing)
    // What is forgotten below is in our engine still.
    const isUnwritten = entry.state !== 'absent' || change.before.state !== 'absent'
    if (isUnwritten && !entry.expired) buffer.mark(entry)
    if (!nothingHappened) forgotten?.reached(entry.time)
    if (isForgotten && !nothingHappened) dropped.value += 1
    if (isSilent) return
    this.#log(entry, resources)
    if (this.#listener)
      context.withRecordContext(change.context, this.#tell, isForgotten ? { ...change, before } : change)
  }

  readonly #tell = ({ entry, before, context }: HeldChange<TimedEntry>): void => {
    const { codec, values } = this.resources()
    const { key, time, suffix } = entry
    const oldValue = this.#sendOldValues ? values.read(before) : undefined
    const place = { key: codec.keys.keyOf(key.id, key.alias), time, suffix }
    this.#listener?.(place, values.read(entry), oldValue, context.timestamp)
  }
}
