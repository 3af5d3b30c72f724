import { assert } from '../../common/assert.ts'
import { bytesToMapKey } from '../../common/bytes.ts'
import { isInBuffer, type KeyInBuffer, type SourceInBuffer } from '../../common/record-context.ts'
import type { CachedStore, FlushListener, KeyValueStore } from '../contract/key-value-store.ts'
import type { KeyTexts } from '../contract/prefetching-store.ts'
import type { ChangelogRecord, StoreContext } from '../contract/state-store.ts'
import { rangesDisabled, storeClosed } from '../contract/store-error.ts'
import { storeEntriesRange } from '../contract/store-name.ts'
import type { WriteBatch } from '../engine/write-batch.ts'
import { changelogRecord } from '../format/value-format.ts'
import { ValueState } from '../format/value-state.ts'
import type { KeyEntry } from '../memory/entry.ts'
import type { KeyBounds } from '../memory/key-index.ts'
import type { CursorSource } from '../memory/range-cursor.ts'
import { RangeCursor } from '../memory/range-cursor.ts'
import { openResources, type KeyValueStoreSettings, type StoreResources } from './store-resources.ts'

/**
 * The key-value store: an engine below, and above it one entry in memory for each key, which is typed cache
 * and write buffer in one (`EntryStore`). The record path touches the engine only where a key is not in
 * memory.
 */
export class BufferedKeyValueStore<K, V>
  implements KeyValueStore<K, V>, CachedStore<K, V>, CursorSource<K, V>
{
  readonly name: string
  readonly #settings: KeyValueStoreSettings
  #resources: StoreResources<K, V> | undefined

  constructor(settings: KeyValueStoreSettings) {
    this.name = settings.name
    this.#settings = settings
  }

  get uncommittedBytes(): number {
    return this.#resources?.entries.uncommittedBytes ?? 0
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
    const { cache, entries, values } = this.resources()
    const entry = cache.find(key) ?? this.#enter(key)
    if (entry.state !== 'unread') {
      entry.touched = true
      return values.read(entry)
    }
    const value = entries.read(entry)
    entries.makeRoom()
    return value
  }

  put(key: K, value: V | null): void {
    if (value === undefined) {
      throw new TypeError(`store "${this.name}": undefined cannot be a value; null deletes`)
    }
    const { cache, entries } = this.resources()
    entries.put(cache.find(key) ?? this.#enter(key), value)
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
    return this.resources().entries.setFlushListener(listener, options.sendOldValues)
  }

  restore(records: readonly ChangelogRecord[]): void {
    const resources = this.resources()
    const { cache, keys, values, restored, index, places, entries } = resources
    if (records.length > 0) cache.hasAll = false
    // A record can stay in its buffer where nothing of any key is in memory.
    const isPlain = cache.size === 0 && !index && values.rowHead !== undefined
    for (const record of records) {
      if (isPlain && isInBuffer(record)) {
        this.#restoreInPlace(record, values.rowHead!(record.timestamp), resources)
        continue
      }
      const { key, value, timestamp } = record
      // A record without a key was never in the table either: a source topic that serves as changelog may
      // hold some.
      if (key === null) continue
      const id = cache.size > 0 || index ? bytesToMapKey(key) : undefined
      // An entry in memory has to change with the row, and an open iterator must be told.
      if (id !== undefined && (index?.watched || cache.peek(id) !== undefined)) {
        const row = value === null ? null : values.fromChangelog(value, timestamp, record)
        entries.restore(cache.enter(id, undefined), row, timestamp)
        continue
      }
      if (!index) places.countRestored(key, 0, key.length, value !== null)
      else if (value !== null) index.add(id!)
      else index.delete(id!)
      const row = value === null ? null : values.transientRow(value, timestamp, record)
      restored.add(record, keys.lookUpKeyOf(key), row)
    }
  }

  flush(): void {
    this.resources().entries.flush()
  }

  prepareCommit(): void {
    this.resources().entries.prepareCommit()
  }

  stage(batch: WriteBatch): void {
    const { entries, count, index } = this.resources()
    if (entries.stage(batch)) count.stage(batch, index?.size)
  }

  staged(): void {
    // A store that was closed meanwhile ignores its batch: its task was given up or built anew.
    this.#resources?.entries.staged()
  }

  close(): void {
    this.#resources?.entries.clear()
    this.#resources?.index?.clear()
    this.#resources = undefined
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
    return this.#stateOfRow(this.resources().places.rowOf(id))
  }

  /** The state of a key in the engine, whatever is in memory. */
  committedState(id: string): ValueState {
    const { context, keys } = this.resources()
    return this.#stateOfRow(context.engine.get(keys.lookUpKey(id)))
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

  #stateOfRow(row: Uint8Array | undefined): ValueState {
    const state = new ValueState()
    if (row === undefined) state.state = 'absent'
    else this.resources().values.load(state, row)
    return state
  }

  #restoreInPlace(
    record: ChangelogRecord & SourceInBuffer,
    valueHead: Uint8Array,
    resources: StoreResources<K, V>,
  ): void {
    const { buffer, keyStart, keyEnd, valueStart, valueEnd } = record
    if (keyEnd < keyStart) return
    resources.places.countRestored(buffer, keyStart, keyEnd, valueEnd >= valueStart)
    resources.restored.addSource(record, resources.keys.prefix, valueHead)
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
