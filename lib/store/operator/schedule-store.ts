import { assert } from '../../common/assert.ts'
import { concatBytes, utf8, utf8Text } from '../../common/bytes.ts'
import { NO_HEADERS } from '../../common/headers.ts'
import { parseTaskId } from '../../common/ids.ts'
import { serdes } from '../../serde/serdes.ts'
import type { Serde } from '../../serde/serde.ts'
import type { ChangelogRecord, StateStore, StoreBuilder, StoreContext } from '../contract/state-store.ts'
import { storeClosed } from '../contract/store-error.ts'
import { storeEntriesRange, storePrefix, validStoreName } from '../contract/store-name.ts'
import { WriteBatch } from '../engine/write-batch.ts'
import { decodeState, encodeState, type ScheduleState } from './schedule-state.ts'
import { TimerIndex, type StoredTimer } from './timer-index.ts'

/** A schedule, and the time at which it is to fire; Infinity where it does not. */
export interface StoredSchedule extends StoredTimer {
  readonly state: ScheduleState
}

/** When a schedule fires that is so far; Infinity: never. */
export type DueMs = (id: string, state: ScheduleState, partition: number) => number

/** Heap bytes of an id that has changed since the last commit, estimated. */
const DIRTY_BYTES = 64

/**
 * The schedules of one task: all of them are in memory, and the engine has them as of the last commit. When a
 * schedule fires, and that it has fired, is one change of one key.
 *
 * Under at-least-once the changelog must not say that a schedule has fired before the outputs of its firing
 * are safe, so changes are sent to it only after the flush, before the offsets.
 */
export class ScheduleStore implements StateStore {
  readonly name: string
  readonly #dueMsOf: DueMs
  readonly #prefix: Uint8Array
  readonly #schedules = new TimerIndex<StoredSchedule>()
  readonly #dirty = new Set<string>()
  #unlogged: ChangelogRecord[] = []
  readonly #writes = new WriteBatch()
  #context: StoreContext | undefined
  #partition = 0

  constructor(name: string, dueMsOf: DueMs) {
    this.name = name
    this.#dueMsOf = dueMsOf
    this.#prefix = storePrefix(name)
  }

  get uncommittedBytes(): number {
    return this.#dirty.size * DIRTY_BYTES
  }

  get size(): number {
    return this.#schedules.size
  }

  /** The schedule that fires next; undefined where there is none, or none that fires. */
  get first(): StoredSchedule | undefined {
    return this.#schedules.first
  }

  get(id: string): ScheduleState | undefined {
    return this.#schedules.get(id)?.state
  }

  put(id: string, state: ScheduleState): void {
    this.#set(id, state, this.#schedules.get(id)?.isWritten ?? false)
    this.#dirty.add(id)
  }

  delete(id: string): void {
    this.#schedules.delete(id)
    this.#dirty.add(id)
  }

  open(context: StoreContext): void {
    assert(this.#context === undefined, `store ${this.name} is open already`)
    this.#context = context
    if (context.taskId !== undefined) this.#partition = parseTaskId(context.taskId).partition
  }

  async load(): Promise<void> {
    const { engine, changelogTopic } = this.#open()
    for await (const [key, value] of engine.entries(storeEntriesRange(this.name)))
      this.#set(utf8Text(key.subarray(this.#prefix.length)), decodeState(value, changelogTopic), true)
  }

  restore(records: readonly ChangelogRecord[]): void {
    const { changelogTopic } = this.#open()
    for (const { key, value } of records) {
      if (key === null) continue
      if (value === null) this.#schedules.delete(utf8Text(key))
      else this.#set(utf8Text(key), decodeState(value, changelogTopic), true)
      this.#write(key, value)
    }
  }

  async *content(nowMs: number): AsyncGenerator<ChangelogRecord> {
    for await (const [key, value] of this.#open().engine.entries(storeEntriesRange(this.name)))
      yield { key: key.subarray(this.#prefix.length), value, timestamp: nowMs, headers: NO_HEADERS }
  }

  flush(): void {
    // Nothing to do: schedules fire by time, not by commits.
  }

  prepareCommit(): void {
    const { log, isTransactional, recordContext } = this.#open()
    const timestamp = Math.max(0, recordContext().timestamp)
    for (const id of this.#dirty) {
      const schedule = this.#schedules.get(id)
      const key = utf8(id)
      const value = schedule ? encodeState(schedule.state) : null
      this.#write(key, value)
      if (isTransactional) log?.(key, value, timestamp, NO_HEADERS)
      else if (log) this.#unlogged.push({ key, value, timestamp, headers: NO_HEADERS })
    }
    this.#dirty.clear()
  }

  outputsFlushed(): void {
    const { log } = this.#open()
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
    this.#schedules.clear()
    this.#dirty.clear()
    this.#unlogged = []
    this.#writes.clear()
    this.#context = undefined
  }

  #set(id: string, state: ScheduleState, isWritten: boolean): void {
    this.#schedules.set({ id, state, dueMs: this.#dueMsOf(id, state, this.#partition), isWritten })
  }

  #write(key: Uint8Array, value: Uint8Array | null): void {
    this.#writes.put(concatBytes(this.#prefix, key), value)
  }

  #open(): StoreContext {
    if (this.#context === undefined) throw storeClosed(this.name)
    return this.#context
  }
}

/** Builds the store of a node with schedules. */
export function scheduleStoreBuilder(name: string, dueMsOf: DueMs): StoreBuilder<ScheduleStore> {
  return {
    name: validStoreName(name),
    kind: 'store of schedules',
    persistent: true,
    caching: false,
    keySerde: serdes.string() as Serde<unknown>,
    valueSerde: serdes.json(),
    changelog: { config: { 'segment.bytes': '16777216' }, cleanupPolicy: 'compact' },
    build: () => new ScheduleStore(name, dueMsOf),
  }
}
