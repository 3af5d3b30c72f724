import type { Distribution } from '../../common/metrics/meter.ts'
import { METRIC_GROUPS } from '../../common/metrics/metrics.ts'
import { Buffer } from 'node:buffer'
import { present } from '../../common/assert.ts'
import { bytesToMapKey, concatBytes, copyBytes, mapKeyToBytes } from '../../common/bytes.ts'
import type { Header } from '../../common/headers.ts'
import { NO_HEADERS } from '../../common/headers.ts'
import type { RecordContext } from '../../common/record-context.ts'
import { sortedMap } from '../../common/sorted-map.ts'
import { resolveSerde } from '../../serde/open-serde.ts'
import type { Serde, SerdeContext } from '../../serde/serde.ts'
import { WriteBatch } from '../engine/write-batch.ts'
import type { ChangelogRecord, StateStore, StoreContext } from '../contract/state-store.ts'
import { serdeOrThrow, storeClosed } from '../contract/store-error.ts'
import { storeEntriesRange, storePrefix } from '../contract/store-name.ts'
import type { ChangeState } from './buffered-change.ts'
import { BufferedChange, compareChanges } from './buffered-change.ts'
import { readChange, readChangelogRecord, VERSION_HEADERS, writeChange } from './change-format.ts'

export interface ChangeBufferSettings {
  readonly name: string
  readonly keySerde: Serde<unknown> | undefined
  readonly valueSerde: Serde<unknown> | undefined
}

/**
 * Called with a change that leaves the buffer. The record being processed is meanwhile the one that made it.
 */
export type ChangeListener = (
  key: unknown,
  newValue: unknown,
  oldValue: unknown,
  context: RecordContext,
) => void

/** Heap bytes of a key that has changed since the last commit, estimated. */
const DIRTY_BYTES = 64

/**
 * The rows of a table that `suppress` holds back: the last change of each, in the order of their times. All
 * of it is in memory, bounded by what the operator does when `count` or `sizeBytes` pass its limits; the
 * engine has it too, as of the last commit, so that a restart need not replay the changelog. A commit writes
 * each row that changed once, however often it did.
 */
export class ChangeBuffer implements StateStore {
  readonly name: string
  readonly #settings: ChangeBufferSettings
  readonly #prefix: Uint8Array
  readonly #byId = new Map<string, BufferedChange>()
  readonly #inOrder = sortedMap<BufferedChange, undefined>(compareChanges)
  /** Ids of rows that came, changed or left since the last commit. */
  readonly #dirty = new Set<string>()
  readonly #writes = new WriteBatch()
  #sizeBytes = 0
  /** Metric of the number of rows, at level `debug`. */
  #counts: Distribution | undefined
  #sizes: Distribution | undefined
  #listener: ChangeListener | undefined
  #context: StoreContext | undefined
  #keySerde!: Serde<unknown>
  #valueSerde!: Serde<unknown>
  #serdeContext!: SerdeContext

  constructor(settings: ChangeBufferSettings) {
    this.name = settings.name
    this.#settings = settings
    this.#prefix = storePrefix(settings.name)
  }

  get uncommittedBytes(): number {
    return this.#dirty.size * DIRTY_BYTES
  }

  get count(): number {
    return this.#byId.size
  }

  /** Bytes of all rows, as Kafka Streams counts them. */
  get sizeBytes(): number {
    return this.#sizeBytes
  }

  /** Time of the row that leaves next; Infinity where there is none. */
  get firstTimeMs(): number {
    return this.#inOrder.minKey()?.timeMs ?? Infinity
  }

  open(context: StoreContext): void {
    const { name } = this
    const { keySerde, valueSerde } = this.#settings
    this.#keySerde = serdeOrThrow(name, 'key', resolveSerde(keySerde, context.defaultKeySerde), undefined)
    this.#valueSerde = serdeOrThrow(
      name,
      'value',
      resolveSerde(valueSerde, context.defaultValueSerde),
      undefined,
    )
    this.#serdeContext = { topic: context.changelogTopic }
    const tags = { 'task-id': context.taskId ?? 'global', store: name }
    context.metrics.gauge('suppression-buffer-count', tags, () => this.count, METRIC_GROUPS.own)
    context.metrics.gauge('suppression-buffer-size', tags, () => this.sizeBytes, METRIC_GROUPS.own)
    if (context.metrics.isDebug) {
      this.#counts = context.metrics.distribution('suppression-buffer-count', tags, METRIC_GROUPS.store)
      this.#sizes = context.metrics.distribution('suppression-buffer-size', tags, METRIC_GROUPS.store)
    }
    this.#context = context
  }

  async load(): Promise<void> {
    const { engine } = this.#open()
    for await (const [key, value] of engine.entries(storeEntriesRange(this.name))) {
      this.#set(bytesToMapKey(key.subarray(this.#prefix.length)), readChange(value), true)
    }
  }

  /** Sets the listener to changes that leave. */
  setListener(listener: ChangeListener): void {
    this.#listener = listener
  }

  /** Adds the row's last change. It takes the place of an earlier one that is still here, and its time. */
  put(timeMs: number, key: unknown, newValue: unknown, oldValue: unknown, context: RecordContext): void {
    const id = bytesToMapKey(this.#keySerde.serialize(key, this.#serdeContext))
    const change = { newValue: this.#bytes(newValue), oldValue: this.#bytes(oldValue) }
    const waiting = this.#byId.get(id)
    if (waiting === undefined) {
      const state = { ...change, timeMs, priorValue: change.oldValue, context: owned(context) }
      // A row that left and comes back within one commit may have a record to delete: the deletion is not
      // written yet.
      this.#set(id, state, this.#dirty.has(id))
    } else {
      this.#sizeBytes -= waiting.sizeBytes
      waiting.replace(change, owned(context))
      this.#sizeBytes += waiting.sizeBytes
    }
    this.#dirty.add(id)
    this.#measure()
  }

  /** Tells the listener of the first row, which then leaves. */
  emitFirst(): void {
    const { withRecordContext, changelogCoalescing } = this.#open()
    const first = present(this.#inOrder.minKey(), 'the first row of a buffer')
    withRecordContext(first.state.context, this.#tell, first)
    this.#remove(first)
    // A row that came and left within one commit need not be written, except where every write is.
    if (first.written || !changelogCoalescing) this.#dirty.add(first.id)
    else this.#dirty.delete(first.id)
    this.#measure()
  }

  /**
   * The row as operators downstream see it: as before its changes here, null if it did not exist. Undefined:
   * it has no changes here.
   */
  priorValue(key: unknown): unknown {
    const change = this.#byId.get(bytesToMapKey(this.#keySerde.serialize(key, this.#serdeContext)))
    return change === undefined ? undefined : this.#value(change.state.priorValue)
  }

  restore(records: readonly ChangelogRecord[]): void {
    for (const record of records) {
      if (record.key === null) continue
      const id = bytesToMapKey(record.key)
      const before = this.#byId.get(id)
      if (before) this.#remove(before)
      const state = record.value === null ? null : readChangelogRecord(record, before?.state)
      if (state) this.#set(id, state, true)
      this.#write(id, state && writeChange(state))
    }
  }

  async *content(): AsyncGenerator<ChangelogRecord> {
    const { engine } = this.#open()
    for await (const [key, value] of engine.entries(storeEntriesRange(this.name))) {
      const { timestamp } = readChange(value).context
      yield { key: key.subarray(this.#prefix.length), value, timestamp, headers: VERSION_HEADERS }
    }
  }

  flush(): void {
    // The buffer has no cache to flush: rows leave when the operator decides.
  }

  prepareCommit(): void {
    const { log, recordContext } = this.#open()
    const { timestamp } = recordContext()
    for (const id of this.#dirty) {
      const change = this.#byId.get(id)
      const value = change ? writeChange(change.state) : null
      this.#write(id, value)
      if (change) change.written = true
      log?.(
        mapKeyToBytes(id),
        value,
        change?.state.context.timestamp ?? Math.max(0, timestamp),
        value === null ? NO_HEADERS : VERSION_HEADERS,
      )
    }
    this.#dirty.clear()
  }

  stage(batch: WriteBatch): void {
    batch.takeFrom(this.#writes)
  }

  staged(): void {
    // Nothing to do: reads never need the engine.
  }

  close(): void {
    this.#byId.clear()
    this.#inOrder.clear()
    this.#dirty.clear()
    this.#writes.clear()
    this.#sizeBytes = 0
    this.#listener = undefined
    this.#context = undefined
  }

  #measure(): void {
    this.#counts?.record(this.count)
    this.#sizes?.record(this.#sizeBytes)
  }

  readonly #tell = ({ id, state }: BufferedChange): void => {
    const key = this.#keySerde.deserialize(mapKeyToBytes(id), this.#serdeContext)
    this.#listener?.(key, this.#value(state.newValue), this.#value(state.oldValue), state.context)
  }

  #set(id: string, state: ChangeState, written: boolean): void {
    const change = new BufferedChange(id, state, written)
    this.#byId.set(id, change)
    this.#inOrder.set(change, undefined)
    this.#sizeBytes += change.sizeBytes
  }

  #remove(change: BufferedChange): void {
    this.#byId.delete(change.id)
    this.#inOrder.delete(change)
    this.#sizeBytes -= change.sizeBytes
  }

  #write(id: string, value: Uint8Array | null): void {
    this.#writes.put(concatBytes(this.#prefix, Buffer.from(id, 'latin1')), value)
  }

  #bytes(value: unknown): Uint8Array | null {
    return value === null ? null : this.#valueSerde.serialize(value, this.#serdeContext)
  }

  #value(bytes: Uint8Array | null): unknown {
    return bytes === null ? null : this.#valueSerde.deserialize(bytes, this.#serdeContext)
  }

  #open(): StoreContext {
    if (this.#context === undefined) throw storeClosed(this.name)
    return this.#context
  }
}

/**
 * A copy of the context that may be kept: header values may be slices of a fetch buffer, and the source
 * record's bytes are for whoever processes it.
 */
function owned({ topic, partition, offset, timestamp, headers }: RecordContext): RecordContext {
  const kept: readonly Header[] =
    headers.length === 0
      ? NO_HEADERS
      : headers.map(({ key, value }) => ({ key, value: value && copyBytes(value) }))
  return { topic, partition, offset, timestamp, headers: kept }
}
