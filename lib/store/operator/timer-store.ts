import { assert } from '../../common/assert.ts'
import { bytesToMapKey, concatBytes, mapKeyToBytes } from '../../common/bytes.ts'
import { TopologyError } from '../../common/errors/errors.ts'
import { NO_HEADERS } from '../../common/headers.ts'
import { LATEST_MS } from '../../common/timestamps.ts'
import { resolveSerde } from '../../serde/open-serde.ts'
import type { Serde, SerdeContext } from '../../serde/serde.ts'
import type { ChangelogRecord, StateStore, StoreBuilder, StoreContext } from '../contract/state-store.ts'
import { serdeOrThrow, storeClosed } from '../contract/store-error.ts'
import { storeEntriesRange, storePrefix, validStoreName } from '../contract/store-name.ts'
import type { TimerStore } from '../contract/timer-store.ts'
import { WriteBatch } from '../engine/write-batch.ts'
import { TimerIndex, type StoredTimer } from './timer-index.ts'
import { timerSerde } from './timer-serde.ts'

export interface TimerStoreOptions<K> {
  /**
   * Name of the store: letters, digits, dots, underscores and hyphens, since it becomes part of the
   * changelog's name.
   */
  readonly name: string
  /** Serde of the keys. Default: the application's `defaultKeySerde`. */
  readonly keySerde?: Serde<K> | undefined
  /**
   * Whether timers are on the task's disk (default), or in memory and restored from the changelog at every
   * start.
   */
  readonly persistent?: boolean | undefined
  /** Topic settings of the changelog, or false for none: then the timers are lost with the disk. */
  readonly logging?: false | { readonly config?: { readonly [name: string]: string } } | undefined
}

/** Heap bytes of a key that has changed since the last commit, estimated. */
const DIRTY_BYTES = 64

interface Opened<K> {
  readonly context: StoreContext
  readonly keySerde: Serde<K>
  readonly serdeContext: SerdeContext
}

/**
 * The timers of one task. All of them are in memory, about 200 bytes each; the engine has them as of the last
 * commit. A commit writes each key that changed once, and nothing of a timer that came and went meanwhile.
 *
 * Under at-least-once the changelog must not lose a timer before the outputs of its firing are safe, so
 * changes are sent to it only after the flush, before the offsets.
 */
export class DurableTimerStore<K> implements TimerStore<K> {
  readonly name: string
  readonly #keySerde: Serde<K> | undefined
  readonly #prefix: Uint8Array
  readonly #timers = new TimerIndex()
  /** Ids of timers that were set, or removed, since the last commit. */
  readonly #dirty = new Set<string>()
  #unlogged: ChangelogRecord[] = []
  readonly #writes = new WriteBatch()
  #opened: Opened<K> | undefined
  #listener: (() => void) | undefined

  constructor({ name, keySerde }: TimerStoreOptions<K>) {
    this.name = name
    this.#keySerde = keySerde
    this.#prefix = storePrefix(name)
  }

  get uncommittedBytes(): number {
    return this.#dirty.size * DIRTY_BYTES
  }

  get size(): number {
    return this.#timers.size
  }

  /** Time of the timer that fires next; Infinity without any. */
  get firstDueMs(): number {
    return this.#timers.first?.dueMs ?? Infinity
  }

  open(context: StoreContext): void {
    assert(this.#opened === undefined, `store ${this.name} is open already`)
    const own = this.#keySerde as Serde<unknown> | undefined
    const keySerde = serdeOrThrow(this.name, 'key', resolveSerde(own, context.defaultKeySerde), undefined)
    const serdeContext = { topic: context.changelogTopic }
    this.#opened = { context, keySerde: keySerde as Serde<K>, serdeContext }
  }

  async load(): Promise<void> {
    const { context, serdeContext } = this.#open()
    for await (const [key, value] of context.engine.entries(storeEntriesRange(this.name))) {
      const id = bytesToMapKey(key.subarray(this.#prefix.length))
      this.#timers.set({ id, dueMs: timerSerde.deserialize(value, serdeContext), isWritten: true })
    }
  }

  /**
   * Sets the listener to every change of the timers, which fires them. Throws `TIMERS_HANDLED_TWICE` where
   * there is one already.
   */
  setListener(listener: () => void): void {
    if (this.#listener) {
      throw new TopologyError(
        'TIMERS_HANDLED_TWICE',
        `the timers of store "${this.name}" have a handler already: give one handler to context.timers, and set timers from elsewhere by ` +
          'context.getStateStore; or make another store of timers',
      )
    }
    this.#listener = listener
  }

  set(key: K, atMs: number): void {
    const id = this.#idOf(key)
    if (!(Number.isSafeInteger(atMs) && atMs >= 0 && atMs <= LATEST_MS)) throw noTime(this.name, atMs)
    const before = this.#timers.get(id)
    if (before?.dueMs === atMs) return
    // A dirty key without a timer is one whose timer a commit has written: the next commit deletes it.
    const isWritten = before ? before.isWritten : this.#dirty.has(id)
    this.#timers.set({ id, dueMs: atMs, isWritten })
    this.#dirty.add(id)
    this.#listener?.()
  }

  cancel(key: K): boolean {
    const timer = this.#timers.get(this.#idOf(key))
    if (timer) this.#remove(timer)
    return timer !== undefined
  }

  get(key: K): number | undefined {
    return this.#timers.get(this.#idOf(key))?.dueMs
  }

  /** Removes the first timer and returns it, if it is due by that time. */
  takeDue(nowMs: number): StoredTimer | undefined {
    this.#open()
    const { first } = this.#timers
    if (!first || first.dueMs > nowMs) return undefined
    this.#remove(first)
    return first
  }

  keyOf({ id }: StoredTimer): K {
    const { keySerde, serdeContext } = this.#open()
    return keySerde.deserialize(mapKeyToBytes(id), serdeContext)
  }

  restore(records: readonly ChangelogRecord[]): void {
    const { serdeContext } = this.#open()
    for (const { key, value } of records) {
      if (key === null) continue
      const id = bytesToMapKey(key)
      if (value === null) this.#timers.delete(id)
      else this.#timers.set({ id, dueMs: timerSerde.deserialize(value, serdeContext), isWritten: true })
      this.#write(key, value)
    }
  }

  async *content(nowMs: number): AsyncGenerator<ChangelogRecord> {
    const { engine } = this.#open().context
    for await (const [key, value] of engine.entries(storeEntriesRange(this.name))) {
      yield { key: key.subarray(this.#prefix.length), value, timestamp: nowMs, headers: NO_HEADERS }
    }
  }

  flush(): void {
    // Nothing to do: timers fire by time, not by commits.
  }

  prepareCommit(): void {
    const { context, serdeContext } = this.#open()
    const { log, isTransactional } = context
    const timestamp = Math.max(0, context.recordContext().timestamp)
    for (const id of this.#dirty) {
      const timer = this.#timers.get(id)
      const key = mapKeyToBytes(id)
      const value = timer ? timerSerde.serialize(timer.dueMs, serdeContext) : null
      if (timer) timer.isWritten = true
      this.#write(key, value)
      if (isTransactional) log?.(key, value, timestamp, NO_HEADERS)
      else if (log) this.#unlogged.push({ key, value, timestamp, headers: NO_HEADERS })
    }
    this.#dirty.clear()
  }

  outputsFlushed(): void {
    const { log } = this.#open().context
    for (const { key, value, timestamp, headers } of this.#unlogged)
      if (key !== null) log?.(key, value, timestamp, headers)
    this.#unlogged = []
  }

  stage(batch: WriteBatch): void {
    batch.takeFrom(this.#writes)
  }

  staged(): void {
    // Nothing to do: reads never need the engine.
  }

  close(): void {
    this.#timers.clear()
    this.#dirty.clear()
    this.#unlogged = []
    this.#writes.clear()
    this.#listener = undefined
    this.#opened = undefined
  }

  #remove(timer: StoredTimer): void {
    const { id, isWritten } = timer
    this.#timers.delete(id)
    if (isWritten) this.#dirty.add(id)
    else this.#dirty.delete(id)
    this.#listener?.()
  }

  #write(key: Uint8Array, value: Uint8Array | null): void {
    this.#writes.put(concatBytes(this.#prefix, key), value)
  }

  #idOf(key: K): string {
    const { keySerde, serdeContext } = this.#open()
    if (key === null || key === undefined) throw new TypeError(`store "${this.name}": a key cannot be ${key}`)
    return bytesToMapKey(keySerde.serialize(key, serdeContext))
  }

  #open(): Opened<K> {
    if (this.#opened === undefined) throw storeClosed(this.name)
    return this.#opened
  }
}

/** Builds the store of `context.timers`. */
export function timerStoreBuilder<K>(options: TimerStoreOptions<K>): StoreBuilder<TimerStore<K>> {
  const { keySerde, persistent = true, logging } = options
  const name = validStoreName(options.name)
  // Small segments, since every timer is deleted some day: with the usual 1 GiB, a new owner of the task
  // would read the records of months.
  const config = { 'segment.bytes': '16777216', ...(logging || {}).config }
  return {
    name,
    kind: 'timer store',
    persistent,
    caching: false,
    keySerde: keySerde as Serde<unknown> | undefined,
    valueSerde: timerSerde as Serde<unknown>,
    changelog: logging === false ? undefined : { config, cleanupPolicy: 'compact' },
    build: () => new DurableTimerStore<K>({ name, keySerde }),
  }
}

/** The store of that name as the runtime needs it. Throws `NOT_A_TIMER_STORE`. */
export function durableTimers<K>(store: StateStore): DurableTimerStore<K> {
  if (store instanceof DurableTimerStore) return store as DurableTimerStore<K>
  throw new TopologyError(
    'NOT_A_TIMER_STORE',
    `store "${store.name}" holds no timers: build the store of context.timers with stores.timers`,
  )
}

function noTime(store: string, atMs: unknown): TypeError {
  return new TypeError(
    `store "${store}": ${String(atMs)} is no time of a timer: it must be a whole number of milliseconds since the epoch, from 0 up to ` +
      `${LATEST_MS}, the end of the year 9999`,
  )
}
