import { Buffer } from 'node:buffer'
import { assert } from '../../common/assert.ts'
import { asBuffer, bytesToMapKey, concatBytes, mapKeyToBytes } from '../../common/bytes.ts'
import type { RecordContext } from '../../common/record-context.ts'
import { resolveSerde } from '../../serde/open-serde.ts'
import type { Serde, SerdeContext } from '../../serde/serde.ts'
import { StoreMetadata } from '../memory/store-metadata.ts'
import { BufferedKeyValueStore } from '../key-value/buffered-key-value-store.ts'
import type { WriteBatch } from '../engine/write-batch.ts'
import { readInt64, writeInt64 } from '../../common/int64.ts'
import { ROW_ID_SERDE, ROW_SERDE } from '../format/row-serdes.ts'
import type { ChangelogRecord, StateStore, StoreBuilder, StoreContext } from '../contract/state-store.ts'
import { serdeOrThrow, storeClosed } from '../contract/store-error.ts'
import { storeMetadataKey, validStoreName } from '../contract/store-name.ts'
import { readChange, writeChange } from './change-format.ts'

export interface RecordBufferSettings {
  readonly name: string
  readonly keySerde: Serde<unknown> | undefined
  readonly valueSerde: Serde<unknown> | undefined
}

/** Called with a record that leaves the buffer. It is the one being processed meanwhile. */
export type RecordListener = (key: unknown, value: unknown, context: RecordContext) => void

interface Opened {
  readonly context: StoreContext
  readonly serdeContext: SerdeContext
  readonly keySerde: Serde<unknown>
  readonly valueSerde: Serde<unknown>
  readonly entries: BufferedKeyValueStore<string, Uint8Array>
}

/** First byte of a key: the one of Kafka Streams' layouts in which the time comes first. */
const TIME_FIRST = 0
const TIME_AT = 1
const KEY_AT = 9
const SEQUENCE_BYTES = 4
const SEQUENCE_MAX = 0x7fff_ffff

/**
 * Records that wait until stream time has passed theirs by a grace period, in the order in which they leave:
 * time, bytes of the key, arrival. Their keys are in memory, about 50 bytes and the key each; the records are
 * in the engine.
 *
 * Keys and values are those of Kafka Streams: `0 ‖ time (8) ‖ key ‖ sequence number (4)`, and the value and
 * its context as a suppression has them. Stream time and the sequence number are kept with each commit; Kafka
 * Streams forgets them at a restart, and then numbers may meet and a record be lost.
 */
export class RecordBuffer implements StateStore {
  readonly name: string
  readonly #settings: RecordBufferSettings
  #opened: Opened | undefined
  #listener: RecordListener | undefined
  #observedMs = -1
  #sequence = 0
  /** A bound: no record here is earlier. It spares a look at the records for each that comes. */
  #firstTimeMs = 0
  readonly #metadata: StoreMetadata

  constructor(settings: RecordBufferSettings) {
    this.#metadata = new StoreMetadata(concatBytes(storeMetadataKey(settings.name), Uint8Array.of(0)))
    this.name = settings.name
    this.#settings = settings
  }

  get uncommittedBytes(): number {
    return this.#opened?.entries.uncommittedBytes ?? 0
  }

  /** The largest time of a record put, −1 before the first. */
  get observedMs(): number {
    return this.#observedMs
  }

  open(context: StoreContext): void {
    const { name } = this
    assert(this.#opened === undefined, `store ${name} is open already`)
    const keySerde = resolveSerde(this.#settings.keySerde, context.defaultKeySerde)
    const valueSerde = resolveSerde(this.#settings.valueSerde, context.defaultValueSerde)
    const entries = new BufferedKeyValueStore<string, Uint8Array>({
      name,
      timestamped: false,
      keySerde: ROW_ID_SERDE as Serde<unknown>,
      valueSerde: ROW_SERDE as Serde<unknown>,
      ranges: true,
      caching: false,
    })
    entries.open(context)
    this.#opened = {
      context,
      serdeContext: { topic: context.changelogTopic },
      keySerde: serdeOrThrow(name, 'key', keySerde, undefined),
      valueSerde: serdeOrThrow(name, 'value', valueSerde, undefined),
      entries,
    }
    const metadata = this.#metadata.load(context.engine)
    if (metadata === null) return
    this.#observedMs = readInt64(metadata, 0)
    this.#sequence = metadata.readUInt32BE(8)
  }

  async load(): Promise<void> {
    await this.#open().entries.load()
  }

  /** Sets the listener to records that leave. */
  setListener(listener: RecordListener): void {
    this.#listener = listener
  }

  put(key: unknown, value: unknown, context: RecordContext): void {
    const { entries, keySerde, valueSerde, serdeContext } = this.#open()
    const keyBytes = keySerde.serialize(key, serdeContext)
    const newValue = valueSerde.serialize(value, serdeContext)
    const { timestamp } = context
    this.#sequence = (this.#sequence + 1) % (SEQUENCE_MAX + 1)
    const bytes = writeChange({ timeMs: 0, priorValue: null, oldValue: null, newValue, context })
    entries.put(rowId(timestamp, keyBytes, this.#sequence), bytes)
    this.#observedMs = Math.max(this.#observedMs, timestamp)
    this.#firstTimeMs = Math.min(this.#firstTimeMs, timestamp)
  }

  /** Tells the listener of all records up to that time, one after the other; each then leaves. */
  emitUpTo(timeMs: number): void {
    if (this.#firstTimeMs > timeMs) return
    const { context, entries } = this.#open()
    this.#firstTimeMs = Infinity
    for (const [id, bytes] of entries.all()) {
      const buffered = timeOf(id)
      if (buffered > timeMs) {
        this.#firstTimeMs = buffered
        return
      }
      const state = readChange(bytes)
      context.withRecordContext(state.context, this.#tell, {
        id,
        value: state.newValue,
        context: state.context,
      })
      entries.put(id, null)
    }
  }

  restore(records: readonly ChangelogRecord[]): void {
    this.#open().entries.restore(records)
    for (const { key } of records) {
      if (key === null) continue
      const bytes = asBuffer(key)
      this.#observedMs = Math.max(this.#observedMs, readInt64(bytes, TIME_AT))
      this.#sequence = Math.max(this.#sequence, bytes.readUInt32BE(bytes.length - SEQUENCE_BYTES))
    }
    this.#firstTimeMs = 0
    this.#sealMetadata()
  }

  content(nowMs: number): AsyncIterable<ChangelogRecord> {
    return this.#open().entries.content(nowMs)
  }

  flush(): void {
    // Nothing to do: records leave by time, not by commits.
  }

  prepareCommit(): void {
    this.#open().entries.prepareCommit()
    this.#sealMetadata()
  }

  stage(batch: WriteBatch): void {
    this.#open().entries.stage(batch)
    this.#metadata.stage(batch)
  }

  staged(): void {
    this.#opened?.entries.staged()
  }

  close(): void {
    this.#opened?.entries.close()
    this.#opened = undefined
    this.#listener = undefined
  }

  readonly #tell = ({ id, value, context }: Leaving): void => {
    const { keySerde, valueSerde, serdeContext } = this.#open()
    const keyBytes = mapKeyToBytes(id.slice(KEY_AT, -SEQUENCE_BYTES))
    const key = keySerde.deserialize(keyBytes, serdeContext)
    this.#listener?.(key, value && valueSerde.deserialize(value, serdeContext), context)
  }

  #sealMetadata(): void {
    if (this.#observedMs === -1) return
    const metadata = Buffer.allocUnsafe(12)
    writeInt64(metadata, 0, this.#observedMs)
    metadata.writeUInt32BE(this.#sequence, 8)
    this.#metadata.seal(metadata)
  }

  #open(): Opened {
    if (this.#opened === undefined) throw storeClosed(this.name)
    return this.#opened
  }
}

interface Leaving {
  readonly id: string
  readonly value: Uint8Array | null
  readonly context: RecordContext
}

export function recordBufferBuilder(settings: RecordBufferSettings): StoreBuilder<RecordBuffer> {
  return {
    name: validStoreName(settings.name),
    kind: 'buffer of a join with grace',
    persistent: true,
    changelog: { config: {}, cleanupPolicy: 'compact' },
    caching: false,
    build: () => new RecordBuffer(settings),
  }
}

function rowId(timestamp: number, key: Uint8Array, sequence: number): string {
  const bytes = Buffer.allocUnsafe(KEY_AT + key.length + SEQUENCE_BYTES)
  bytes[0] = TIME_FIRST
  writeInt64(bytes, TIME_AT, timestamp)
  bytes.set(key, KEY_AT)
  bytes.writeUInt32BE(sequence, KEY_AT + key.length)
  return bytesToMapKey(bytes)
}

function timeOf(id: string): number {
  return readInt64(mapKeyToBytes(id.slice(0, KEY_AT)), TIME_AT)
}
