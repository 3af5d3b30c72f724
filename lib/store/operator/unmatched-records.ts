import { assert } from '../../common/assert.ts'
import { bytesToMapKey, concatBytes, mapKeyToBytes } from '../../common/bytes.ts'
import { resolveSerde } from '../../serde/open-serde.ts'
import type { Serde, SerdeContext } from '../../serde/serde.ts'
import { doubleBytes, StoreMetadata } from '../memory/store-metadata.ts'
import { BufferedKeyValueStore } from '../key-value/buffered-key-value-store.ts'
import type { WriteBatch } from '../engine/write-batch.ts'
import type { ChangelogRecord, StateStore, StoreContext } from '../contract/state-store.ts'
import { serdeOrThrow, storeClosed } from '../contract/store-error.ts'
import { storeEntriesRange, storeTimeKey } from '../contract/store-name.ts'
import { byteListSerde } from './byte-list-serde.ts'
import type { JoinSide } from './unmatched-key.ts'
import { keyIdOf, sideOf, timestampOf, unmatchedId, unmatchedIdSerde } from './unmatched-key.ts'
import { earlier, later, WaitingIds } from './waiting-ids.ts'

/** How long after its timestamp a record of either side waits for a match, in stream time. */
export interface WaitTimes {
  readonly leftMs: number
  readonly rightMs: number
}

export interface UnmatchedSettings {
  readonly name: string
  readonly keySerde: Serde<unknown> | undefined
  readonly leftSerde: Serde<unknown> | undefined
  readonly rightSerde: Serde<unknown> | undefined
}

/** Called with a record that found no match in its time. */
export type UnmatchedListener = (side: JoinSide, value: unknown, key: unknown, timestampMs: number) => void

const SIDE_BYTES = { left: Uint8Array.of(1), right: Uint8Array.of(0) } as const

interface Serdes {
  readonly key: Serde<unknown>
  readonly left: Serde<unknown>
  readonly right: Serde<unknown>
}

/**
 * Records of a left or outer stream–stream join that have found no match yet, with the stream time of the
 * join, which both sides share (one of them keeps it across restarts). Values lie in the engine; the ids,
 * each a record's time, side and key, are in memory, in order.
 *
 * Records of one key, side and time are a list under one id. When to look for closed windows follows Kafka
 * Streams step by step, `#lookFromMs` included, which may lie behind the first record that waits: results and
 * their order depend on it.
 */
export class UnmatchedRecords implements StateStore {
  readonly name: string
  readonly #settings: UnmatchedSettings
  readonly #lists: BufferedKeyValueStore<string, readonly Uint8Array[]>
  readonly #ids = new WaitingIds()
  #context: StoreContext | undefined
  #serdes!: Serdes
  #serdeContext!: SerdeContext
  #streamTimeMs = -1
  readonly #metadata: StoreMetadata
  /** Time of the first record that may wait: while stream time is within its wait, nothing is looked for. */
  #lookFromMs = Infinity

  constructor(settings: UnmatchedSettings) {
    this.name = settings.name
    this.#metadata = new StoreMetadata(storeTimeKey(settings.name))
    this.#settings = settings
    this.#lists = new BufferedKeyValueStore({
      name: settings.name,
      timestamped: false,
      keySerde: unmatchedIdSerde,
      valueSerde: byteListSerde as Serde<unknown>,
      ranges: false,
      caching: false,
    })
  }

  get uncommittedBytes(): number {
    return this.#lists.uncommittedBytes
  }

  /** Stream time of the join: the largest timestamp of either side; -1 before the first record. */
  get streamTimeMs(): number {
    return this.#streamTimeMs
  }

  open(context: StoreContext): void {
    this.#lists.open(context)
    const { keySerde, leftSerde, rightSerde } = this.#settings
    const { defaultKeySerde, defaultValueSerde } = context
    const value = (serde: Serde<unknown> | undefined) =>
      serdeOrThrow(this.name, 'value', resolveSerde(serde, defaultValueSerde), undefined)
    this.#serdes = {
      key: serdeOrThrow(this.name, 'key', resolveSerde(keySerde, defaultKeySerde), undefined),
      left: value(leftSerde),
      right: value(rightSerde),
    }
    this.#serdeContext = { topic: context.changelogTopic }
    this.#context = context
  }

  async load(): Promise<void> {
    const { engine } = this.#open()
    await this.#lists.load()
    const { keys } = this.#lists.resources()
    for await (const [key] of engine.entries({ ...storeEntriesRange(this.name), values: false })) {
      this.#wait(keys.idOfEngineKey(key))
    }
    // After a restore there is no metadata: `#wait` has set the time for each record that waits.
    this.#lookFromMs = this.#metadata.load(engine)?.readDoubleBE(0) ?? this.#lookFromMs
  }

  advance(timestampMs: number): void {
    if (timestampMs > this.#streamTimeMs) this.#streamTimeMs = timestampMs
  }

  add(side: JoinSide, key: unknown, timestampMs: number, value: unknown): void {
    const bytes = this.#serdes[side].serialize(value, this.#serdeContext)
    const id = unmatchedId(side, timestampMs, this.#keyId(key))
    const element = concatBytes(SIDE_BYTES[side], bytes)
    const before = this.#ids.has(id) ? this.#lists.get(id) : undefined
    this.#lists.put(id, before ? [...before, element] : [element])
    this.#wait(id)
  }

  /** Removes the records of that side, key and time, which have a match now. */
  remove(side: JoinSide, key: unknown, timestampMs: number): void {
    if (this.#ids.sizeOf(side) === 0) return
    const id = unmatchedId(side, timestampMs, this.#keyId(key))
    if (this.#ids.has(id)) this.#delete(id)
  }

  /**
   * Hands out, in the order of their ids, the records that stream time has left behind. `ownWaitMs`: waiting
   * time of the side whose record advanced stream time.
   */
  emitClosed(ownWaitMs: number, waits: WaitTimes, listener: UnmatchedListener): void {
    if (!this.#isPast(this.#lookFromMs, ownWaitMs)) return
    this.#lookFromMs = Infinity
    let left = this.#ids.first('left')
    let right = this.#ids.first('right')
    let emitted: string | undefined
    for (;;) {
      const leftClosed = left !== undefined && this.#isPast(timestampOf(left), waits.leftMs)
      const rightClosed = right !== undefined && this.#isPast(timestampOf(right), waits.rightMs)
      const id = earlier(leftClosed ? left : undefined, rightClosed ? right : undefined)
      if (id === undefined) break
      if (id === left) left = this.#ids.after('left', id)
      else right = this.#ids.after('right', id)
      this.#emit(id, emitted, listener)
      emitted = id
    }
    // The next look begins behind the first open records of both sides; without one, all records were looked
    // at.
    const looked = left !== undefined && right !== undefined ? this.#behind(later(left, right)!) : undefined
    const last = looked ?? later(this.#ids.last(), emitted)
    if (emitted !== undefined) this.#delete(emitted)
    if (last !== undefined) this.#lookFromMs = timestampOf(last)
  }

  restore(records: readonly ChangelogRecord[]): void {
    for (const { key, value } of records) {
      if (key === null) continue
      const id = bytesToMapKey(key)
      if (value === null) this.#ids.delete(id)
      else this.#wait(id)
    }
    this.#lists.restore(records)
  }

  content(nowMs: number): AsyncIterable<ChangelogRecord> {
    return this.#lists.content(nowMs)
  }

  flush(): void {
    this.#lists.flush()
  }

  prepareCommit(): void {
    this.#lists.prepareCommit()
    this.#metadata.seal(doubleBytes(this.#lookFromMs))
  }

  stage(batch: WriteBatch): void {
    this.#lists.stage(batch)
    this.#metadata.stage(batch)
  }

  staged(): void {
    this.#lists.staged()
  }

  close(): void {
    this.#lists.close()
    this.#ids.clear()
    this.#streamTimeMs = -1
    this.#context = undefined
  }

  /** How many records wait, for tests. */
  countRecords(): number {
    let count = 0
    for (const side of ['left', 'right'] as const) {
      for (let id = this.#ids.first(side); id !== undefined; id = this.#ids.after(side, id)) {
        count += this.#lists.get(id)?.length ?? 0
      }
    }
    return count
  }

  #emit(id: string, emittedBefore: string | undefined, listener: UnmatchedListener): void {
    const list = this.#lists.get(id)
    assert(list !== undefined, `store ${this.name} has an id without records`)
    const timestampMs = timestampOf(id)
    const side = sideOf(id)
    this.#lookFromMs = timestampMs
    const key = this.#serdes.key.deserialize(mapKeyToBytes(keyIdOf(id)), this.#serdeContext)
    for (const [i, bytes] of list.entries()) {
      const value = this.#serdes[side].deserialize(bytes.subarray(1), this.#serdeContext)
      listener(side, value, key, timestampMs)
      // The deletion waits for the first record of the next list: so a joiner that fails, and a handler that
      // goes on, leave what Kafka Streams leaves.
      if (i === 0 && emittedBefore !== undefined) this.#delete(emittedBefore)
    }
  }

  /** The id looked at after this one; the same id where its list has more records. */
  #behind(id: string): string {
    const list = this.#lists.get(id)
    if (list !== undefined && list.length > 1) return id
    return earlier(this.#ids.after('left', id), this.#ids.after('right', id)) ?? id
  }

  /**
   * Whether stream time has passed the time by the wait. Compared as a difference, which is exact up to 2^53.
   */
  #isPast(timestampMs: number, waitMs: number): boolean {
    return this.#streamTimeMs - timestampMs > waitMs
  }

  #wait(id: string): void {
    this.#ids.add(id)
    this.#lookFromMs = Math.min(this.#lookFromMs, timestampOf(id))
  }

  #delete(id: string): void {
    this.#lists.put(id, null)
    this.#ids.delete(id)
  }

  #keyId(key: unknown): string {
    return bytesToMapKey(this.#serdes.key.serialize(key, this.#serdeContext))
  }

  #open(): StoreContext {
    if (this.#context === undefined) throw storeClosed(this.name)
    return this.#context
  }
}
