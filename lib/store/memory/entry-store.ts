import { assert } from '../../common/assert.ts'
import type { FlushListener } from '../contract/key-value-store.ts'
import type { StoreContext } from '../contract/state-store.ts'
import type { WriteBatch } from '../engine/write-batch.ts'
import { changelogHeaders, isDeletion, valueBytes, type ValueFormat } from '../format/value-format.ts'
import { WAS_ABSENT, WAS_THERE, type EntryState, type ValueState } from '../format/value-state.ts'
import { DirtyChanges, type HeldChange } from './dirty-changes.ts'
import type { Entry } from './entry.ts'
import type { EvictionCache } from './eviction-cache.ts'
import type { RestoredWrites } from './restored-writes.ts'
import { WriteBuffer } from './write-buffer.ts'

/** The places of a store's entries: the part that differs between kinds of stores. */
export interface EntryPlaces<E extends Entry, P> {
  /** The entry's key in the engine; valid until the next call of `engineKey` or `changelogKey`. */
  engineKey(entry: E): Uint8Array
  /** The entry's key in the changelog; valid as long as that of `engineKey`. */
  changelogKey(entry: E): Uint8Array
  /** The place of the entry, as listeners are told it. */
  placeOf(entry: E): P
  /**
   * The entry's row from a restore that is not in the engine yet, or else from the engine; undefined: none.
   */
  rowBelow(entry: E): Uint8Array | undefined
  /** Whether an open iterator needs the state of entries as of now. */
  readonly watched: boolean
  /** Keeps the entry's present state for iterators. Only called while `watched`. */
  save(entry: E): void
  /** Called when the entry has changed from that state. Not called where it was, and is, a primitive. */
  changed(entry: E, before: EntryState): void
  /**
   * Called when a held change leaves the cache. Returns what the entry was for the store below the cache;
   * without the method that is what it was when the change was made.
   */
  released?(entry: E, before: ValueState): ValueState
}

export interface EntryStoreOptions<E extends Entry, V, P> {
  readonly name: string
  readonly context: StoreContext
  readonly values: ValueFormat<V>
  readonly cache: EvictionCache<E>
  readonly restored: RestoredWrites
  readonly places: EntryPlaces<E, P>
  /** Whether changes are held back until the commit, where the context has memory for it. */
  readonly caching: boolean
}

/**
 * The values of a store's entries on their way: read from the engine into memory, changed there, held back,
 * logged, and written with the commit. An entry is typed cache and write buffer in one; it is pinned in
 * memory from its first change until the engine has it, and may be evicted otherwise.
 *
 * What can throw (a serde) comes first in every change: one that fails has not happened. Nothing here evicts
 * but `makeRoom` and `staged`; an entry that was found before them, and is not pinned, is not to be used
 * after them.
 */
export class EntryStore<E extends Entry, V, P> {
  readonly #options: EntryStoreOptions<E, V, P>
  readonly #context: StoreContext
  readonly #values: ValueFormat<V>
  readonly #cache: EvictionCache<E>
  readonly #places: EntryPlaces<E, P>
  readonly #buffer: WriteBuffer<E>
  readonly #held: DirtyChanges<E> | undefined
  /** Sends every write to the changelog at once; undefined where the commit does it. */
  readonly #logNow: StoreContext['log']
  /**
   * Sends the last write of each key to the changelog, at the commit; undefined where `#logNow` is used, or
   * there is no changelog.
   */
  readonly #logAtCommit: StoreContext['log']
  #listener: FlushListener<P, V> | undefined
  #sendOldValues = false

  constructor(options: EntryStoreOptions<E, V, P>) {
    const { context, values, cache, places, caching } = options
    this.#options = options
    this.#context = context
    this.#values = values
    this.#cache = cache
    this.#places = places
    this.#buffer = new WriteBuffer(cache)
    this.#held = caching && context.cacheBytesMax > 0 ? new DirtyChanges(cache, context) : undefined
    this.#logNow = context.changelogCoalescing ? undefined : context.log
    this.#logAtCommit = context.changelogCoalescing ? context.log : undefined
  }

  /** Whether changes wait for the commit, or for memory, before they are forwarded. */
  get holdsBack(): boolean {
    return this.#held !== undefined
  }

  get uncommittedBytes(): number {
    return this.#cache.pinnedBytes + this.#buffer.byteLength
  }

  /** Returns false where changes are not held back: the listener would never be called. */
  setFlushListener(listener: FlushListener<P, V>, sendOldValues: boolean): boolean {
    if (!this.#held) return false
    this.#listener = listener
    this.#sendOldValues = sendOldValues
    return true
  }

  /** Tells the listener of a value that the store did not take. */
  tellListener(place: P, value: V): void {
    this.#listener?.(place, value, undefined, this.#context.recordContext().timestamp)
  }

  /**
   * Returns the entry's value, read from below where it is not in memory. `makeRoom` is to follow when the
   * caller is done.
   */
  read(entry: E): V | undefined {
    if (entry.state !== 'unread') {
      entry.touched = true
      return this.#values.read(entry)
    }
    this.#load(entry)
    const value = this.#values.read(entry)
    this.#cache.resize(entry, valueBytes(entry))
    return value
  }

  /** Evicts entries while memory is over its budget. */
  makeRoom(): void {
    if (this.#cache.overfull) this.#cache.trim()
  }

  /** Sets the entry's value; `null` deletes. */
  put(entry: E, value: V | null): void {
    if (this.#held) this.#hold(entry, value, this.#held)
    else {
      this.#change(entry, value)
      this.#buffer.mark(entry)
      this.#log(entry)
    }
  }

  /** Takes a row of the engine from the changelog; it goes below with the next batch, and is not logged. */
  restore(entry: E, row: Uint8Array | null, timestamp: number): void {
    const before = this.#beforeChange(entry)
    if (row === null) entry.setAbsent()
    else entry.setBytes(row, timestamp)
    this.#buffer.sealRow(entry, this.#places.engineKey(entry), row)
    this.#cache.resize(entry, valueBytes(entry))
    this.#places.changed(entry, before)
  }

  flush(): void {
    const held = this.#held
    // A listener's writes to this very store are held again: the loop goes on until there are none, or the
    // commit would miss them.
    while (held && held.size > 0) held.releaseAll(this.#release)
  }

  prepareCommit(): void {
    assert(
      !this.#held || this.#held.size === 0,
      `store ${this.#options.name} holds changes back: flush comes before prepareCommit`,
    )
    this.#buffer.seal(this.#seal)
  }

  /** Returns whether there was anything to stage. */
  stage(batch: WriteBatch): boolean {
    // Restored writes go first: a key with an entry, and so with a write in the buffer, got it after them.
    const hasRestored = this.#options.restored.stage(batch)
    return this.#buffer.stage(batch) || hasRestored
  }

  staged(): void {
    this.#options.restored.staged()
    this.#buffer.staged()
    this.makeRoom()
  }

  clear(): void {
    this.#options.restored.clear()
    this.#buffer.clear()
    this.#held?.clear()
    this.#cache.clear()
    this.#listener = undefined
  }

  #load(entry: E): void {
    const row = this.#places.rowBelow(entry)
    if (row === undefined) entry.state = 'absent'
    else this.#values.load(entry, row)
  }

  #hold(entry: E, value: V | null, held: DirtyChanges<E>): void {
    if (entry.state === 'unread') this.#load(entry)
    const before = entry.heldBefore ?? this.#stateBefore(entry)
    this.#change(entry, value)
    held.hold(entry, before, this.#context.recordContext())
    if (held.overfull) held.releaseAll(this.#release)
  }

  #stateBefore(entry: E): ValueState {
    if (this.#sendOldValues) return entry.copyState()
    return entry.state === 'absent' ? WAS_ABSENT : WAS_THERE
  }

  #change(entry: E, value: V | null): void {
    const before = this.#beforeChange(entry)
    if (isDeletion(value)) {
      entry.setAbsent()
      entry.timestamp = this.#context.recordContext().timestamp
    } else {
      this.#values.write(entry, value as V, this.#context)
    }
    if (before !== 'typed' || entry.state !== 'typed') this.#places.changed(entry, before)
    this.#cache.resize(entry, valueBytes(entry))
  }

  #beforeChange(entry: E): EntryState {
    if (this.#places.watched) {
      if (entry.state === 'unread') this.#load(entry)
      this.#places.save(entry)
    }
    return entry.state
  }

  readonly #seal = (entry: E): void => {
    // Expired entries are not written any more: retention clears their rows from the engine.
    if (entry.expired) return
    const values = this.#values
    const value = entry.state === 'absent' ? null : values.changelogValue(entry)
    this.#buffer.sealRow(entry, this.#places.engineKey(entry), value && values.engineValue(entry, value))
    const log = this.#logAtCommit
    if (log) log(this.#places.changelogKey(entry), value, entry.timestamp, changelogHeaders(values, entry))
  }

  #log(entry: E): void {
    const logNow = this.#logNow
    if (!logNow) return
    const values = this.#values
    const value = entry.state === 'absent' ? null : values.changelogValue(entry)
    const headers = changelogHeaders(values, entry)
    logNow(this.#places.changelogKey(entry), value, entry.timestamp, headers)
  }

  readonly #release = (change: HeldChange<E>): void => {
    const { entry } = change
    const places = this.#places
    const before = places.released ? places.released(entry, change.before) : change.before
    const isAbsent = entry.state === 'absent'
    // An entry that the store below the cache has forgotten is still in the engine.
    const isUnwritten = !isAbsent || change.before.state !== 'absent'
    if (isUnwritten && !entry.expired) this.#buffer.mark(entry)
    // Nothing has happened where nothing was before: as in Kafka Streams, where only a cache with a listener
    // looks at that.
    const nothingHappened = isAbsent && before.state === 'absent'
    if (nothingHappened && (this.#listener || this.#context.changelogCoalescing)) return
    this.#log(entry)
    if (!this.#listener) return
    const told = before === change.before ? change : { ...change, before }
    this.#context.withRecordContext(change.context, this.#tell, told)
  }

  readonly #tell = ({ entry, before, context }: HeldChange<E>): void => {
    const oldValue = this.#sendOldValues ? this.#values.read(before) : undefined
    this.#listener?.(this.#places.placeOf(entry), this.#values.read(entry), oldValue, context.timestamp)
  }
}
