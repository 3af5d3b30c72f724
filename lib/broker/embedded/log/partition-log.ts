import { assert } from '../../../common/assert.ts'
import type { IsolationLevel, RecordBatch } from '../../broker.ts'
import {
  type Chunk,
  CHUNK_BYTES_MAX,
  CHUNK_RECORDS_MAX,
  chunkIndexAt,
  emptyChunk,
  recordIndexAt,
} from './chunk.ts'
import type { ChunkStore } from './chunk-store.ts'
import type { WriteBatch } from './journal.ts'
import type { StoredRecord } from './stored-record.ts'
import type { TopicConfig } from './topic-config.ts'
import { TransactionIndex } from './transaction-index.ts'

/** What a log is made with, new or recovered. */
export interface LogOrigin {
  readonly topic: string
  readonly partition: number
  readonly config: TopicConfig
  readonly store: ChunkStore
}

/**
 * One partition: chunks of records by rising offset, of which the last, the tail, still grows. Markers are
 * gaps in the offsets. Only this class changes the log. Consumers see it up to `highWatermark`
 * (read_uncommitted) or `stableOffset` (read_committed); both follow the journal, so that nothing that was
 * seen can be lost by a crash.
 */
export class PartitionLog {
  readonly topic: string
  readonly partition: number
  readonly config: TopicConfig
  readonly store: ChunkStore
  readonly transactions = new TransactionIndex()
  /** Called after the visible ends have moved, with the log. */
  readonly onAdvance = new Set<() => void>()
  /** Called when a chunk has been sealed: the moment for retention and compaction. */
  onSeal: (() => void) | undefined
  startOffset = 0
  highWatermark = 0
  stableOffset = 0
  /** Compaction has been over everything before. */
  cleanedOffset = 0
  deleted = false
  #sealed: Chunk[] = []
  #tail: Chunk = emptyChunk(0)
  /** The ends as of the batch that is being written: they are shown only when it is on disk. */
  #inBatch = { highWatermark: 0, stableOffset: 0 }

  constructor(origin: LogOrigin) {
    this.topic = origin.topic
    this.partition = origin.partition
    this.config = origin.config
    this.store = origin.store
  }

  get endOffset(): number {
    return this.#tail.nextOffset
  }

  /** Without the tail; replaced, never changed, by retention and compaction. */
  get sealed(): readonly Chunk[] {
    return this.#sealed
  }

  get tailMaxTimestamp(): number {
    return this.#tail.count === 0 ? Number.POSITIVE_INFINITY : this.#tail.maxTimestamp
  }

  get bytes(): number {
    return this.#sealed.reduce((sum, chunk) => sum + chunk.bytes, this.#tail.bytes)
  }

  /** Takes over what recovery found; the last chunk goes on growing. */
  restore(chunks: readonly Chunk[], tail: Chunk): void {
    let end = chunks[0]?.baseOffset ?? tail.baseOffset
    for (const { baseOffset, nextOffset } of [...chunks, tail]) {
      assert(
        baseOffset === end,
        `${this.topic}-${this.partition}: a chunk begins at ${baseOffset}, not at ${end}`,
      )
      end = nextOffset
    }
    this.#sealed = [...chunks]
    this.#tail = tail
    this.highWatermark = end
    this.stableOffset = end
  }

  /** Gives the records their offsets. `producerId` is that of a transaction. */
  append(records: readonly StoredRecord[], producerId?: number): void {
    assert(!this.deleted, `append to the deleted log ${this.topic}-${this.partition}`)
    const from = this.endOffset
    let appendedBytes = 0
    for (const record of records) appendedBytes += this.#push(record)
    if (producerId !== undefined) this.transactions.add(producerId, from, this.endOffset)
    this.#changed(appendedBytes)
  }

  /** Writes the marker that ends a producer's transaction here. */
  endTransaction(producerId: number, outcome: 'commit' | 'abort'): void {
    if (this.deleted) return
    this.store.addAborted(this.transactions.end(producerId, outcome))
    this.#tail.nextOffset++
    this.#changed(0)
  }

  visibleEnd(isolation: IsolationLevel): number {
    return isolation === 'read_committed' ? this.stableOffset : this.highWatermark
  }

  /** Consecutive records of one chunk from the offset on; undefined when nothing is visible there. */
  read(offset: number, recordsMax: number, isolation: IsolationLevel): RecordBatch | undefined {
    const end = this.visibleEnd(isolation)
    if (offset >= end) return undefined
    const chunk = this.#chunkAt(offset)
    const all = this.store.recordsOf(chunk)
    const first = recordIndexAt(all, offset)
    const bound = chunk.nextOffset <= end ? all.length : recordIndexAt(all, end)
    const last = Math.min(bound, first + recordsMax)
    const nextOffset = last < bound ? (all[last] as StoredRecord).offset : Math.min(chunk.nextOffset, end)
    const whole = first === 0 && last === all.length && chunk !== this.#tail
    const records = this.#visible(whole ? all : all.slice(first, last), offset, nextOffset, isolation)
    return { topic: this.topic, partition: this.partition, records, nextOffset }
  }

  /** Ends the tail, so that retention and compaction may touch all there is. */
  seal(): void {
    if (this.#tail.nextOffset === this.#tail.baseOffset) return
    this.#sealed.push(this.#tail)
    this.store.seal(this.#tail)
    this.#tail = emptyChunk(this.#tail.nextOffset)
    this.#changed(0)
    this.onSeal?.()
  }

  /** Drops the first `count` sealed chunks and everything before `startOffset`. */
  advanceStart(startOffset: number): void {
    this.startOffset = Math.max(this.startOffset, startOffset)
    const count = Math.min(chunkIndexAt(this.#sealed, this.startOffset), this.#sealed.length)
    for (const chunk of this.#sealed.slice(0, count)) this.store.remove(chunk)
    this.#sealed = this.#sealed.slice(count)
    this.store.removeAborted(this.transactions.forgetBefore(this.startOffset))
    this.#changed(0)
  }

  /** Puts `replacement` in the place of neighbouring sealed chunks, which covers the same offsets. */
  replace(chunks: readonly Chunk[], replacement: Chunk): void {
    const first = chunks[0] ? this.#sealed.indexOf(chunks[0]) : -1
    assert(first >= 0, `${this.topic}-${this.partition}: the chunk at ${replacement.baseOffset} is not there`)
    const before = this.#sealed.slice(0, first)
    this.#sealed = [...before, replacement, ...this.#sealed.slice(first + chunks.length)]
    for (const chunk of chunks) this.store.remove(chunk)
    this.store.add(replacement)
    this.#changed(0)
  }

  markCleaned(offset: number): void {
    this.cleanedOffset = offset
    this.store.removeAborted(this.transactions.forgetBefore(offset))
    this.#changed(0)
  }

  /** Readers are woken, and learn from `deleted` that there is nothing more. */
  delete(): void {
    this.deleted = true
    for (const chunk of [...this.#sealed, this.#tail]) this.store.remove(chunk)
    this.store.removeAborted(this.transactions.abortedRanges())
    this.store.drop()
    for (const listener of this.onAdvance) listener()
  }

  /** Journal and the ends to show once this batch is on disk. */
  writeTo(batch: WriteBatch): void {
    this.#inBatch = this.#presentEnds()
    const { startOffset, cleanedOffset } = this
    this.store.writeTo(batch, this.deleted ? undefined : this.#tail, { startOffset, cleanedOffset })
  }

  written(): void {
    this.store.written()
    this.#advance(this.#inBatch)
  }

  #push(record: StoredRecord): number {
    const tail = this.#tail
    const bytes = record.bytes
    record.offset = tail.nextOffset
    ;(tail.records as StoredRecord[]).push(record)
    tail.nextOffset++
    tail.count++
    tail.bytes += bytes
    if (record.timestamp > tail.maxTimestamp) tail.maxTimestamp = record.timestamp
    if (tail.count >= CHUNK_RECORDS_MAX || tail.bytes >= CHUNK_BYTES_MAX) this.#rollOver()
    return bytes
  }

  /** Inside an append: the ends are told afterwards, when the append's transaction is known. */
  #rollOver(): void {
    this.#sealed.push(this.#tail)
    this.store.seal(this.#tail)
    this.#tail = emptyChunk(this.#tail.nextOffset)
    this.onSeal?.()
  }

  /** In memory a change counts at once; on disk with the batch that the journal writes next. */
  #changed(appendedBytes: number): void {
    if (!this.store.journal) return this.#advance(this.#presentEnds())
    if (appendedBytes > 0) this.store.journal.addPendingBytes(appendedBytes)
    this.store.journal.touch(this)
  }

  #presentEnds(): { highWatermark: number; stableOffset: number } {
    const highWatermark = this.endOffset
    return { highWatermark, stableOffset: this.transactions.firstOpenOffset() ?? highWatermark }
  }

  #advance({ highWatermark, stableOffset }: { highWatermark: number; stableOffset: number }): void {
    if (highWatermark === this.highWatermark && stableOffset === this.stableOffset) return
    assert(
      stableOffset >= this.stableOffset,
      `the stable offset fell from ${this.stableOffset} to ${stableOffset}`,
    )
    this.highWatermark = highWatermark
    this.stableOffset = stableOffset
    for (const listener of this.onAdvance) listener()
  }

  /** An offset in a gap (a marker, compaction) belongs to the chunk whose range covers it. */
  #chunkAt(offset: number): Chunk {
    return this.#sealed[chunkIndexAt(this.#sealed, offset)] ?? this.#tail
  }

  /** Most chunks hold no aborted record: they are handed out as they are, without a look at the records. */
  #visible(records: StoredRecord[], from: number, to: number, isolation: IsolationLevel): StoredRecord[] {
    if (isolation === 'read_uncommitted' || !this.transactions.hasAborted(from, to)) return records
    return records.filter(record => !this.transactions.isAborted(record.offset))
  }
}
