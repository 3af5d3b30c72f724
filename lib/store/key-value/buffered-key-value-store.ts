import { assert } from '../../common/assert.ts'
import { bytesToMapKey } from '../../common/bytes.ts'
import { isInBuffer, type KeyInBuffer, type SourceInBuffer } from '../../common/record-context.ts'
import type { KeyTexts } from '../contract/prefetching-store.ts'
import type { WriteBatch } from '../engine/write-batch.ts'
import type { CachedStore, FlushListener, KeyValueStore } from '../contract/key-value-store.ts'
import type { KeyEntry } from '../memory/entry.ts'
import type { EntryState } from '../format/value-state.ts'
import type { HeldChange } from '../memory/dirty-changes.ts'
import { ValueState, WAS_ABSENT, WAS_THERE } from '../format/value-state.ts'
import type { KeyBounds, KeyIndex } from '../memory/key-index.ts'
import type { CursorSource } from '../memory/range-cursor.ts'
import { RangeCursor } from '../memory/range-cursor.ts'
import type { KeyValueStoreSettings, StoreResources } from '../memory/store-resources.ts'
import { openResources } from '../memory/store-resources.ts'
import { changelogHeaders, changelogRecord, isDeletion, valueBytes } from '../format/value-format.ts'
import type { ChangelogRecord, StoreContext } from '../contract/state-store.ts'
import { rangesDisabled, storeClosed } from '../contract/store-error.ts'
import { storeEntriesRange } from '../contract/store-name.ts'

/**
 * The key-value store: an engine below, and above it one entry for each key in memory, which is typed cache
 * and write buffer in one. The record path touches the engine only where a key is not in memory.
 *
 * What to keep in mind when changing it: an entry that is not pinned may be evicted at any `trim`, so it is
 * pinned before anything can trim, and `trim` comes last. What can throw (a serde) comes first: a write that
 * fails has not happened.
 */
export class BufferedKeyValueStore<K, V>
  implements KeyValueStore<K, V>, CachedStore<K, V>, CursorSource<K, V>
{
  readonly name: string
  readonly #settings: KeyValueStoreSettings
  #resources: StoreResources<K, V> | undefined
  #listener: FlushListener<K, V> | undefined
  #sendOldValues = false

  constructor(settings: KeyValueStoreSettings) {
    this.name = settings.name
    this.#settings = settings
  }

  get uncommittedBytes(): number {
    const resources = this.#resources
    return resources ? resources.cache.pinnedBytes + resources.buffer.byteLength : 0
  }

  open(context: StoreContext): void {
    assert(this.#resources === undefined, `store ${this.name} is open already`)
    this.#resources = openResources(this.#settings, context)
  }

  async load(): Promise<void> {
    const { index, keys, context, cache } = this.resources()
    const range = { ...storeEntriesRange(this.name), values: false }
    let isEmpty = true
    for await (const [key] of context.engine.entries(index ? range : { ...range, limit: 1 })) {
      isEmpty = false
      index?.add(keys.idOfEngineKey(key))
    }
    cache.hasAll = isEmpty
  }

  prefetch(keys: readonly KeyInBuffer[], start: number, texts: KeyTexts): number {
    return this.resources().cache.prefetch(keys, start, texts)
  }

  get(key: K): V | undefined {
    const { cache, values } = this.resources()
    const entry = cache.find(key) ?? this.#enter(key)
    if (entry.state === 'unread') return this.#readThrough(entry)
    entry.touched = true
    return values.read(entry)
  }

  put(key: K, value: V | null): void {
    if (value === undefined) {
      throw new TypeError(`store "${this.name}": undefined cannot be a value; null deletes`)
    }
    const resources = this.resources()
    const entry = resources.cache.find(key) ?? this.#enter(key)
    if (resources.held) this.#hold(entry, value, resources)
    else this.#write(entry, value, resources)
  }

  putIfAbsent(key: K, value: V): V | undefined {
    const present = this.get(key)
    if (present === undefined) this.put(key, value)
    return present
  }

  putAll(entries: Iterable<readonly [K, V | null]>): void {
    for (const [key, value] of entries) this.put(key, value)
  }

  delete(key: K): V | undefined {
    const present = this.get(key)
    this.put(key, null)
    return present
  }

  range(from: K | undefined, to: K | undefined): IterableIterator<readonly [K, V]> {
    return this.#cursor(this.#bounds(from, to, false))
  }

  reverseRange(from: K | undefined, to: K | undefined): IterableIterator<readonly [K, V]> {
    return this.#cursor(this.#bounds(from, to, true))
  }

  all(): IterableIterator<readonly [K, V]> {
    return this.#cursor({ reverse: false })
  }

  reverseAll(): IterableIterator<readonly [K, V]> {
    return this.#cursor({ reverse: true })
  }

  prefixScan(prefix: K): IterableIterator<readonly [K, V]> {
    return this.#cursor({ prefix: this.resources().keys.id(prefix), reverse: false })
  }

  approximateNumEntries(): number {
    const { index, count } = this.resources()
    return index?.size ?? count.value
  }

  setFlushListener(listener: FlushListener<K, V>, options: { readonly sendOldValues: boolean }): boolean {
    if (!this.resources().held) return false
    this.#listener = listener
    this.#sendOldValues = options.sendOldValues
    return true
  }

  restore(records: readonly ChangelogRecord[]): void {
    const resources = this.resources()
    const { cache, keys, values, restored, index } = resources
    if (records.length > 0) cache.hasAll = false
    // Nothing of any key is in memory, and a record need not be taken out of its buffer.
    const isPlain = cache.size === 0 && !index && values.rowHead !== undefined
    for (const record of records) {
      if (isPlain && isInBuffer(record)) {
        this.#restoreInPlace(record, values.rowHead!(record.timestamp), resources)
        continue
      }
      const { key, value, timestamp } = record
      // A source topic that serves as changelog may hold records without a key: they were never in the table
      // either.
      if (key === null) continue
      const id = cache.size > 0 || index ? bytesToMapKey(key) : undefined
      // Whatever is in memory of the key has to change with it; an open iterator must be told.
      if (id !== undefined && (index?.watched || cache.peek(id) !== undefined)) {
        const bytes = value === null ? null : values.fromChangelog(value, timestamp, record)
        this.#restoreEntry(cache.enter(id, undefined), bytes, timestamp, resources)
        continue
      }
      if (!index) this.#countRestored(key, 0, key.length, value !== null, resources)
      else if (value !== null) index.add(id!)
      else index.delete(id!)
      restored.add(
        record,
        keys.lookUpKeyOf(key),
        value === null ? null : values.transientRow(value, timestamp, record),
      )
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
    const { buffer, held, context } = this.resources()
    assert(
      !held || held.size === 0,
      `store ${this.name} holds changes back: flush comes before prepareCommit`,
    )
    const log = context.changelogCoalescing ? context.log : undefined
    buffer.seal(entry => this.#seal(entry, log))
  }

  stage(batch: WriteBatch): void {
    const { buffer, restored, count, index } = this.resources()
    // Restored writes first: a key that has an entry, and so a write in the buffer, had it after them.
    const hasRestored = restored.stage(batch)
    if (buffer.stage(batch) || hasRestored) count.stage(batch, index?.size)
  }

  staged(): void {
    // The batch of a store that was closed meanwhile: its task was given up or built anew.
    if (!this.#resources) return
    const { buffer, restored, cache } = this.#resources
    restored.staged()
    buffer.staged()
    if (cache.overfull) cache.trim()
  }

  close(): void {
    if (!this.#resources) return
    const { cache, buffer, restored, held, index } = this.#resources
    for (const layer of [cache, buffer, restored, held, index]) layer?.clear()
    this.#resources = undefined
    this.#listener = undefined
  }

  /** Throws `STORE_CLOSED` where the store is not open. */
  resources(): StoreResources<K, V> {
    if (this.#resources === undefined) throw storeClosed(this.name)
    return this.#resources
  }

  keyOf(id: string): K {
    return this.resources().keys.key(id)
  }

  valueOf(state: ValueState): V | undefined {
    return this.resources().values.read(state)
  }

  stateOf(id: string): ValueState {
    const entry = this.resources().cache.peek(id)
    if (entry !== undefined && entry.state !== 'unread') return entry
    const state = new ValueState()
    this.#load(state, id)
    return state
  }

  /** What the engine holds, whatever is in memory. */
  committedState(id: string): ValueState {
    const { context, keys, values } = this.resources()
    const state = new ValueState()
    const bytes = context.engine.get(keys.lookUpKey(id))
    if (bytes === undefined) state.state = 'absent'
    else values.load(state, bytes)
    return state
  }

  async *content(nowMs: number): AsyncGenerator<ChangelogRecord> {
    const { context, keys, values } = this.resources()
    for await (const [key, row] of context.engine.entries(storeEntriesRange(this.name))) {
      yield changelogRecord(values, key.subarray(keys.prefix.length), row, nowMs)
    }
  }

  #enter(key: K): KeyEntry {
    if (key === null || key === undefined) throw new TypeError(`store "${this.name}": a key cannot be ${key}`)
    const { cache, keys } = this.resources()
    return cache.enter(keys.id(key), key)
  }

  #readThrough(entry: KeyEntry): V | undefined {
    const { values, cache } = this.resources()
    this.#read(entry)
    const value = values.read(entry)
    cache.resize(entry, valueBytes(entry))
    if (cache.overfull) cache.trim()
    return value
  }

  #read(entry: KeyEntry): void {
    const { index } = this.resources()
    if (index && !index.has(entry.id)) {
      entry.state = 'absent'
      return
    }
    this.#load(entry, entry.id)
  }

  /** From what a restore has just brought, or else from the engine; of an entry that has not been read. */
  #load(state: ValueState, id: string): void {
    const bytes = this.#bytesBelow(id)
    if (bytes === undefined) state.state = 'absent'
    else this.resources().values.load(state, bytes)
  }

  #bytesBelow(id: string): Uint8Array | undefined {
    const { restored, context, keys, cache } = this.resources()
    if (cache.hasAll) return undefined
    const bytes = restored.find(id)
    return bytes === undefined ? context.engine.get(keys.lookUpKey(id)) : (bytes ?? undefined)
  }

  #restoreEntry(
    entry: KeyEntry,
    bytes: Uint8Array | null,
    timestamp: number,
    resources: StoreResources<K, V>,
  ): void {
    const { cache, buffer, keys, index } = resources
    const before = this.#beforeChange(entry, index)
    if (bytes === null) entry.setAbsent()
    else entry.setBytes(bytes, timestamp)
    buffer.sealRow(entry, keys.lookUpKey(entry.id), bytes)
    cache.resize(entry, valueBytes(entry))
    this.#afterChange(entry, before)
  }

  #restoreInPlace(
    record: ChangelogRecord & SourceInBuffer,
    valueHead: Uint8Array,
    resources: StoreResources<K, V>,
  ): void {
    const { buffer, keyStart, keyEnd, valueStart, valueEnd } = record
    if (keyEnd < keyStart) return
    this.#countRestored(buffer, keyStart, keyEnd, valueEnd >= valueStart, resources)
    resources.restored.addSource(record, resources.keys.prefix, valueHead)
  }

  /** Keeps the number of the keys, of which one lies there in `bytes`. */
  #countRestored(
    bytes: Uint8Array,
    keyStart: number,
    keyEnd: number,
    isThere: boolean,
    { count, keys, restored, context }: StoreResources<K, V>,
  ): void {
    const weight = count.restoredWeight(bytes, keyStart, keyEnd)
    if (weight === 0) return
    const sample = bytesToMapKey(bytes.subarray(keyStart, keyEnd))
    const wasThere =
      restored.sample(sample, isThere) ?? context.engine.get(keys.lookUpKey(sample)) !== undefined
    count.changed(weight * (Number(isThere) - Number(wasThere)))
  }

  #hold(entry: KeyEntry, value: V | null, resources: StoreResources<K, V>): void {
    const held = resources.held!
    if (entry.state === 'unread') this.#read(entry)
    const before = entry.heldBefore ?? this.#stateBefore(entry)
    this.#change(entry, value, resources)
    held.hold(entry, before, resources.context.recordContext())
    if (held.overfull) this.#flushOnce(resources)
  }

  #stateBefore(entry: KeyEntry): ValueState {
    if (this.#sendOldValues) return entry.copyState()
    return entry.state === 'absent' ? WAS_ABSENT : WAS_THERE
  }

  #write(entry: KeyEntry, value: V | null, resources: StoreResources<K, V>): void {
    this.#change(entry, value, resources)
    resources.buffer.mark(entry)
    if (!resources.context.changelogCoalescing) this.#log(entry, resources.context.log)
  }

  #change(entry: KeyEntry, value: V | null, resources: StoreResources<K, V>): void {
    const { values, context, cache, index } = resources
    const before = this.#beforeChange(entry, index)
    if (isDeletion(value)) {
      entry.setAbsent()
      entry.timestamp = context.recordContext().timestamp
    } else {
      values.write(entry, value as V, context)
    }
    if (before !== 'typed' || entry.state !== 'typed') this.#afterChange(entry, before)
    cache.resize(entry, valueBytes(entry))
  }

  #beforeChange(entry: KeyEntry, index: KeyIndex | undefined): EntryState {
    if (index?.watched) {
      if (entry.state === 'unread') this.#read(entry)
      index.save(entry.id, entry)
    }
    return entry.state
  }

  /** Keeps the keys in order, and counted. */
  #afterChange(entry: KeyEntry, before: EntryState): void {
    const isThere = entry.state !== 'absent'
    if (before !== 'unread' && isThere === (before !== 'absent')) return
    const { index, count } = this.resources()
    if (index) {
      if (isThere) index.add(entry.id)
      else index.delete(entry.id)
      return
    }
    const weight = before === 'unread' ? count.blindWriteWeight() : 1
    if (weight === 0) return
    const wasThere = before === 'unread' ? this.#bytesBelow(entry.id) !== undefined : before !== 'absent'
    count.changed(weight * (Number(isThere) - Number(wasThere)))
  }

  #seal(entry: KeyEntry, log: StoreContext['log']): void {
    const { keys, values, buffer } = this.resources()
    const value = entry.state === 'absent' ? null : values.changelogValue(entry)
    buffer.sealRow(entry, keys.lookUpKey(entry.id), value && values.engineValue(entry, value))
    log?.(keys.lookedUp, value, entry.timestamp, changelogHeaders(values, entry))
  }

  #log(entry: KeyEntry, log: StoreContext['log']): void {
    if (!log) return
    const { keys, values } = this.resources()
    const value = entry.state === 'absent' ? null : values.changelogValue(entry)
    const headers = changelogHeaders(values, entry)
    keys.lookUpKey(entry.id)
    log(keys.lookedUp, value, entry.timestamp, headers)
  }

  #flushOnce(resources: StoreResources<K, V>): void {
    resources.held!.releaseAll(change => this.#release(change, resources))
  }

  #release(change: HeldChange, { buffer, context }: StoreResources<K, V>): void {
    const { entry } = change
    const nothingHappened = entry.state === 'absent' && change.before.state === 'absent'
    if (!nothingHappened) buffer.mark(entry)
    if (nothingHappened) return
    if (!context.changelogCoalescing) this.#log(entry, context.log)
    if (this.#listener) context.withRecordContext(change.context, this.#tell, change)
  }

  readonly #tell = ({ entry, before, context }: HeldChange): void => {
    const { keys, values } = this.resources()
    const oldValue = this.#sendOldValues ? values.read(before) : undefined
    this.#listener?.(keys.keyOf(entry.id, entry.alias), values.read(entry), oldValue, context.timestamp)
  }

  #bounds(from: K | undefined, to: K | undefined, reverse: boolean): KeyBounds {
    const { keys } = this.resources()
    return {
      low: from === undefined ? undefined : keys.id(from),
      high: to === undefined ? undefined : keys.id(to),
      reverse,
    }
  }

  #cursor(bounds: KeyBounds): IterableIterator<readonly [K, V]> {
    const { index, context } = this.resources()
    const isAllowed = this.#settings.ranges || context.allowsRanges?.()
    if (!index || !isAllowed) throw rangesDisabled(this.name)
    return new RangeCursor(index.snapshot(bounds), this)
  }
}
