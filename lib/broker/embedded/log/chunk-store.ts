import type { StoredRecord } from './stored-record.ts'
import { type Chunk, recordIndexAt } from './chunk.ts'
import type { ChunkCache } from './chunk-cache.ts'
import { decodeRecords, encodeRecords } from './chunk-codec.ts'
import type { Journal, WriteBatch } from './journal.ts'
import { keys } from './keys.ts'
import type { OffsetRange } from './transaction-index.ts'

/** What of a chunk stands beside its records, so that reopening reads no records. */
export interface ChunkInfo {
  readonly nextOffset: number
  readonly count: number
  readonly bytes: number
  readonly maxTimestamp: number
  readonly cleanedAtMs: number
}

/** What is kept of a log beside its chunks. */
export interface LogInfo {
  readonly startOffset: number
  readonly cleanedOffset: number
}

/**
 * The chunks of one log on disk, or nothing at all for a broker in memory. The growing tail is written in
 * pieces, one with each batch; once it is sealed, one value takes the place of its pieces. Records stay in
 * memory until they are written, and afterwards as long as the cache keeps them.
 */
export class ChunkStore {
  readonly journal: Journal | undefined
  readonly #logId: string
  readonly #cache: ChunkCache
  #toWrite: Chunk[] = []
  #inBatch: Chunk[] = []
  /** Keys' offsets of the tail's pieces on disk. */
  #pieces: number[] = []
  #piecesEnd = 0
  #removals: ((batch: WriteBatch) => void)[] = []
  #infoWritten: LogInfo = { startOffset: 0, cleanedOffset: 0 }
  #dropped = false

  constructor(logId: string, journal: Journal | undefined, cache: ChunkCache) {
    this.#logId = logId
    this.journal = journal
    this.#cache = cache
  }

  /** After recovery: which pieces the tail has on disk, and what else is known to be there. */
  resume(pieces: readonly number[], piecesEnd: number, info: LogInfo): void {
    this.#pieces = [...pieces]
    this.#piecesEnd = piecesEnd
    this.#infoWritten = info
  }

  recordsOf(chunk: Chunk): StoredRecord[] {
    if (!this.journal) return chunk.records as StoredRecord[]
    if (chunk.records) return chunk.records
    const records = this.journal.read(keys.chunk(this.#logId, chunk.baseOffset), decodeRecords)
    chunk.records = records
    this.#cache.use(chunk)
    return records
  }

  /** The tail has become a chunk: it is written whole, in the place of its pieces. */
  seal(chunk: Chunk): void {
    if (!this.journal) return
    this.#toWrite.push(chunk)
    this.#dropPieces(chunk.baseOffset)
  }

  /** A chunk that compaction made of others. */
  add(chunk: Chunk): void {
    if (this.journal) this.#toWrite.push(chunk)
  }

  remove(chunk: Chunk): void {
    if (!this.journal) return
    this.#cache.forget(chunk)
    this.#toWrite = this.#toWrite.filter(each => each !== chunk)
    this.#removeKeys(chunk.baseOffset)
  }

  /** The log is gone: its own entry goes, too. */
  drop(): void {
    if (!this.journal) return
    this.#dropPieces(-1)
    this.#dropped = true
    this.#removals.push(batch => batch.delete(keys.log(this.#logId)))
    this.journal.touch(this)
  }

  addAborted(ranges: readonly OffsetRange[]): void {
    for (const { from, to } of ranges) this.journal?.putJson(keys.aborted(this.#logId, from), to)
  }

  removeAborted(ranges: readonly OffsetRange[]): void {
    for (const { from } of ranges) this.journal?.delete(keys.aborted(this.#logId, from))
  }

  writeTo(batch: WriteBatch, tail?: Chunk, info?: LogInfo): void {
    for (const remove of this.#removals) remove(batch)
    this.#removals = []
    for (const chunk of this.#toWrite) this.#put(batch, chunk, chunk.records as StoredRecord[])
    this.#inBatch.push(...this.#toWrite)
    this.#toWrite = []
    if (this.#dropped || !tail || !info) return
    this.#writePiece(batch, tail)
    if (
      info.startOffset === this.#infoWritten.startOffset &&
      info.cleanedOffset === this.#infoWritten.cleanedOffset
    )
      return
    batch.putJson(keys.log(this.#logId), info)
    this.#infoWritten = info
  }

  /** Only now may the cache drop their records: before, memory held the only copy. */
  written(): void {
    for (const chunk of this.#inBatch) this.#cache.use(chunk)
    this.#inBatch = []
  }

  /** What has come to the tail since its last piece. */
  #writePiece(batch: WriteBatch, tail: Chunk): void {
    const from = Math.max(tail.baseOffset, this.#piecesEnd)
    if (tail.nextOffset === from) return
    const records = tail.records as StoredRecord[]
    const piece = records.slice(recordIndexAt(records, from))
    this.#put(
      batch,
      { ...tail, baseOffset: from, count: piece.length, bytes: pieceBytes(tail, piece) },
      piece,
    )
    this.#pieces.push(from)
    this.#piecesEnd = tail.nextOffset
  }

  #put(batch: WriteBatch, chunk: Chunk, records: readonly StoredRecord[]): void {
    const { baseOffset, nextOffset, count, bytes, maxTimestamp, cleanedAtMs } = chunk
    const info: ChunkInfo = { nextOffset, count, bytes, maxTimestamp, cleanedAtMs }
    batch.put(keys.chunk(this.#logId, baseOffset), encodeRecords(records, baseOffset))
    batch.putJson(keys.chunkInfo(this.#logId, baseOffset), info)
  }

  /** Removes the tail's pieces, except one under the key that the sealed chunk takes. */
  #dropPieces(keptOffset: number): void {
    for (const baseOffset of this.#pieces) if (baseOffset !== keptOffset) this.#removeKeys(baseOffset)
    this.#pieces = []
  }

  /** Written before the puts of the same batch: a chunk may take the key of one that goes. */
  #removeKeys(baseOffset: number): void {
    this.#removals.push(batch => {
      batch.delete(keys.chunk(this.#logId, baseOffset))
      batch.delete(keys.chunkInfo(this.#logId, baseOffset))
    })
  }
}

/** A piece's share of its chunk's bytes, near enough for what only counts towards a limit. */
function pieceBytes(tail: Chunk, piece: readonly StoredRecord[]): number {
  return tail.count === 0 ? 0 : Math.round((tail.bytes * piece.length) / tail.count)
}
