import { droppedRecords } from '../../common/metrics/dropped-records.ts'
import { assert } from '../../common/assert.ts'
import { bytesToMapKey, concatBytes, EMPTY_BYTES, mapKeyToBytes } from '../../common/bytes.ts'
import { NO_HEADERS } from '../../common/headers.ts'
import type { Counter } from '../../common/metrics/meter.ts'
import type { Serde, SerdeContext } from '../../serde/serde.ts'
import { StoreMetadata } from '../memory/store-metadata.ts'
import { BufferedKeyValueStore } from '../key-value/buffered-key-value-store.ts'
import type { WriteBatch } from '../engine/write-batch.ts'
import { ROW_ID_SERDE, ROW_SERDE } from '../format/row-serdes.ts'
import { readInt64, writeInt64 } from '../../common/int64.ts'
import { segmentText } from './time-segments.ts'
import type { RawVersion, RowReader } from './versioned-rows.ts'
import { latestOf, OLDER_VERSIONS, versionAt, VersionedRows } from './versioned-rows.ts'
import type { ChangelogRecord, StoreContext } from '../contract/state-store.ts'
import { serdeOrThrow, storeClosed } from '../contract/store-error.ts'
import { storeMetadataKey, storePrefix } from '../contract/store-name.ts'
import type {
  VersionedKeyValueStore,
  VersionedPut,
  VersionedRecord,
} from '../contract/versioned-key-value-store.ts'

export interface VersionedStoreSettings {
  readonly name: string
  readonly keySerde: Serde<unknown> | undefined
  readonly valueSerde: Serde<unknown> | undefined
  readonly historyRetentionMs: number
  readonly segmentIntervalMs: number
}

interface Opened<K, V> {
  readonly context: StoreContext
  readonly serdeContext: SerdeContext
  readonly keySerde: Serde<K>
  readonly valueSerde: Serde<V>
  readonly entries: BufferedKeyValueStore<string, Uint8Array>
  readonly rows: VersionedRows
  readonly reader: RowReader
  readonly dropped: Counter
}

/** Results of an epoch besides its rows. */
interface EpochEnd {
  readonly observedMs: number
  readonly newSegments: readonly Uint8Array[]
}

const OBSERVED_TIME = Uint8Array.of(0)
const SEGMENT = Uint8Array.of(1)

/**
 * The versioned store: rows as `VersionedRows` lays them out, in a key-value store without changelog of its
 * own. Beside them the engine holds the largest timestamp put and a mark for each segment, in the same
 * batches. Rows whose segment has left the history are never read again; they are cleared as one range once
 * the commit that made them old is in the engine, and a crash in between leaves their marks, and so another
 * go at the next start.
 *
 * The changelog gets every put, late ones that were dropped included, as from Kafka Streams: a restore comes
 * to the same decision about each.
 */
export class BufferedVersionedStore<K, V> implements VersionedKeyValueStore<K, V> {
  readonly name: string
  readonly historyRetentionMs: number
  readonly #settings: VersionedStoreSettings
  /** The largest timestamp put, as it is kept in the engine. */
  readonly #observed: StoreMetadata
  #opened: Opened<K, V> | undefined
  #observedMs = -1
  #newSegments: Uint8Array[] = []
  #sealed: EpochEnd | undefined
  /** Ends of epochs whose batches are under way, oldest first. */
  readonly #staged: (EpochEnd | undefined)[] = []
  #committedMs = -1
  /** First segment that may have rows in the engine. */
  #clearedBelow = 0

  constructor(settings: VersionedStoreSettings) {
    this.name = settings.name
    this.historyRetentionMs = settings.historyRetentionMs
    this.#settings = settings
    this.#observed = new StoreMetadata(this.#metadataKey(OBSERVED_TIME))
  }

  get uncommittedBytes(): number {
    return this.#opened?.entries.uncommittedBytes ?? 0
  }

  open(context: StoreContext): void {
    const { name, segmentIntervalMs } = this.#settings
    assert(this.#opened === undefined, `store ${name} is open already`)
    const entries = new BufferedKeyValueStore<string, Uint8Array>({
      name,
      timestamped: false,
      keySerde: ROW_ID_SERDE as Serde<unknown>,
      valueSerde: ROW_SERDE as Serde<unknown>,
      ranges: false,
      caching: false,
    })
    // The context's budgets are looked up anew each time, so they must not be copied.
    entries.open(Object.create(context, { log: { value: undefined } }) as StoreContext)
    const reader = {
      row: (rowId: string) => entries.get(rowId),
      setRow: (rowId: string, row: Uint8Array | null) => entries.put(rowId, row),
    }
    this.#opened = {
      context,
      serdeContext: { topic: context.changelogTopic },
      keySerde: serdeOrThrow(name, 'key', this.#settings.keySerde, context.defaultKeySerde) as Serde<K>,
      valueSerde: serdeOrThrow(
        name,
        'value',
        this.#settings.valueSerde,
        context.defaultValueSerde,
      ) as Serde<V>,
      entries,
      reader,
      rows: new VersionedRows(reader, segmentIntervalMs, ({ text }) =>
        this.#newSegments.push(this.#segmentMark(text)),
      ),
      dropped: droppedRecords(context.metrics, context.taskId),
    }
    const observed = this.#observed.load(context.engine)
    this.#observedMs = this.#committedMs = observed === null ? -1 : readInt64(observed, 0)
  }

  async load(): Promise<void> {
    const { context, rows } = this.#open()
    const first = this.#metadataKey(SEGMENT)
    const marks = context.engine.entries({
      gte: first,
      lt: this.#metadataKey(Uint8Array.of(2)),
      values: false,
    })
    for await (const [mark] of marks) rows.segments.enter(readInt64(mark, first.length))
    this.#clearedBelow = rows.segments.oldestId ?? 0
  }

  put(key: K, value: V | null, timestamp: number): VersionedPut {
    if (value === undefined) {
      throw new TypeError(
        `store "${this.name}": undefined cannot be a value; null is a version without value`,
      )
    }
    const { keySerde, valueSerde, serdeContext, context, dropped } = this.#open()
    this.#checkTimestamp(timestamp)
    const keyBytes = this.#keyBytes(key, keySerde, serdeContext)
    const valueBytes = value === null ? null : valueSerde.serialize(value, serdeContext)
    const result = this.#putBytes(keyBytes, valueBytes, timestamp)
    if (!result.put) dropped.value += 1
    context.log?.(keyBytes, valueBytes, timestamp, NO_HEADERS)
    return result
  }

  delete(key: K, timestamp: number): VersionedRecord<V> | undefined {
    const present = this.#isExpired(timestamp) ? undefined : this.getAsOf(key, timestamp)
    this.put(key, null, timestamp)
    return present
  }

  get(key: K): VersionedRecord<V> | undefined {
    return this.#record(latestOf(this.#open().reader, this.#id(key)))
  }

  getAsOf(key: K, timestampMs: number): VersionedRecord<V> | undefined {
    const { reader, rows } = this.#open()
    const oldestMs = this.#observedMs - this.historyRetentionMs
    return this.#record(versionAt(reader, rows.segments, this.#id(key), timestampMs, oldestMs))
  }

  /** The version of that time, or the latest one, as of the last commit that is in the engine. */
  committedVersion(key: K, timestampMs: number | undefined): VersionedRecord<V> | undefined {
    const { entries, rows } = this.#open()
    const reader = {
      row: (rowId: string) => entries.valueOf(entries.committedState(rowId)),
    }
    const id = this.#id(key)
    if (timestampMs === undefined) return this.#record(latestOf(reader, id))
    const oldestMs = this.#committedMs - this.historyRetentionMs
    return this.#record(versionAt(reader, rows.segments, id, timestampMs, oldestMs))
  }

  restore(records: readonly ChangelogRecord[]): void {
    for (const { key, value, timestamp } of records) if (key) this.#putBytes(key, value, timestamp)
    this.prepareCommit()
  }

  flush(): void {
    // Nothing to do: each put is in the changelog already.
  }

  prepareCommit(): void {
    this.#open().entries.prepareCommit()
    this.#sealed = {
      observedMs: this.#observedMs,
      newSegments: [...(this.#sealed?.newSegments ?? []), ...this.#newSegments],
    }
    this.#newSegments = []
    if (this.#observedMs >= 0) this.#observed.seal(int64Bytes(this.#observedMs))
  }

  stage(batch: WriteBatch): void {
    this.#open().entries.stage(batch)
    const metadata = this.#sealed
    this.#sealed = undefined
    this.#staged.push(metadata)
    if (!metadata) return
    for (const key of metadata.newSegments) batch.put(key, EMPTY_BYTES)
    this.#observed.stage(batch)
  }

  staged(): void {
    if (!this.#opened) return
    this.#opened.entries.staged()
    const metadata = this.#staged.shift()
    if (!metadata) return
    this.#committedMs = metadata.observedMs
    this.#clear(this.#opened)
  }

  close(): void {
    this.#opened?.entries.close()
    this.#opened = undefined
    this.#newSegments = []
    this.#sealed = undefined
    this.#staged.length = 0
  }

  #putBytes(key: Uint8Array, value: Uint8Array | null, timestamp: number): VersionedPut {
    const { rows } = this.#open()
    if (this.#isExpired(timestamp)) return { put: false }
    this.#observedMs = Math.max(this.#observedMs, timestamp)
    return { put: true, validToMs: rows.put(bytesToMapKey(key), value, timestamp) }
  }

  #isExpired(timestamp: number): boolean {
    return timestamp < this.#observedMs - this.historyRetentionMs
  }

  #checkTimestamp(timestamp: number): void {
    if (Number.isSafeInteger(timestamp) && timestamp >= 0) return
    throw new TypeError(
      `store "${this.name}": a version cannot be from ${timestamp}: use milliseconds since the epoch`,
    )
  }

  #keyBytes(key: K, serde: Serde<K>, context: SerdeContext): Uint8Array {
    if (key === null || key === undefined) throw new TypeError(`store "${this.name}": a key cannot be ${key}`)
    return serde.serialize(key, context)
  }

  #id(key: K): string {
    const { keySerde, serdeContext } = this.#open()
    return bytesToMapKey(this.#keyBytes(key, keySerde, serdeContext))
  }

  #record(version: RawVersion | undefined): VersionedRecord<V> | undefined {
    if (!version) return undefined
    const { valueSerde, serdeContext } = this.#open()
    const value = valueSerde.deserialize(version.value, serdeContext)
    return { value, timestamp: version.timestamp, validToMs: version.validToMs }
  }

  /**
   * Clears segments that the commit has made old; readers of what is committed needed them until now. A
   * failure shows at the next write, which the engine then refuses.
   */
  #clear({ context, rows }: Opened<K, V>): void {
    const minLive = rows.segments.idAt(this.#committedMs - this.historyRetentionMs)
    if (minLive <= this.#clearedBelow) return
    rows.segments.dropBelow(minLive)
    const [from, to] = [segmentText(0), segmentText(minLive)]
    const prefix = Buffer.concat([storePrefix(this.name), mapKeyToBytes(OLDER_VERSIONS)])
    const old = {
      gte: concatBytes(prefix, mapKeyToBytes(from)),
      lt: concatBytes(prefix, mapKeyToBytes(to)),
    }
    context.engine.clear(old).catch(() => undefined)
    // Marks are cleared after the rows: a mark without rows costs nothing, rows without a mark would stay for
    // ever.
    const marks = { gte: this.#segmentMark(from), lt: this.#segmentMark(to) }
    context.engine.clear(marks).catch(() => undefined)
    this.#clearedBelow = minLive
  }

  #metadataKey(kind: Uint8Array): Uint8Array {
    return concatBytes(storeMetadataKey(this.name), kind)
  }

  #segmentMark(text: string): Uint8Array {
    return concatBytes(storeMetadataKey(this.name), SEGMENT, mapKeyToBytes(text))
  }

  #open(): Opened<K, V> {
    if (this.#opened === undefined) throw storeClosed(this.name)
    return this.#opened
  }
}

function int64Bytes(value: number): Uint8Array {
  const bytes = Buffer.allocUnsafe(8)
  writeInt64(bytes, 0, value)
  return bytes
}
