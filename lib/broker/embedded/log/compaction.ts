import type { Clock } from '../../../common/clock.ts'
import { KeyOffsets } from './key-offsets.ts'
import { NULL_LENGTH, type StoredRecord } from './stored-record.ts'
import { type Chunk, CHUNK_BYTES_MAX, CHUNK_RECORDS_MAX, NEVER_CLEANED } from './chunk.ts'
import type { PartitionLog } from './partition-log.ts'

/**
 * Keys held in memory by one pass; a longer dirty part takes several passes, as with Kafka's dedupe buffer.
 */
const PASS_KEYS_MAX = 200_000
/**
 * Fewer dirty chunks are not worth a pass over the log: the changelog of a small table would be read over and
 * over. Kafka waits for a segment, a gigabyte by default.
 */
const DIRTY_CHUNKS_MIN = 32

/** `min.cleanable.dirty.ratio`: the part that no pass has seen yet, in bytes of the whole. */
export function wantsCompaction(log: PartitionLog): boolean {
  if (!log.config.compacted) return false
  let dirtyBytes = 0
  let bytes = 0
  let dirtyChunks = 0
  for (const chunk of log.sealed) {
    bytes += chunk.bytes
    if (chunk.nextOffset <= log.cleanedOffset) continue
    dirtyBytes += chunk.bytes
    dirtyChunks++
  }
  return dirtyChunks >= DIRTY_CHUNKS_MIN && dirtyBytes >= bytes * log.config.minCleanableDirtyRatio
}

/**
 * Keeps the last record of each key below the last stable offset, drops aborted records, and drops tombstones
 * that a pass saw `delete.retention.ms` ago. The tail is left alone. It goes chunk by chunk with the event
 * loop free in between; offsets stay, and a consumer sees either the old chunk or the new one.
 */
export async function compactLog(log: PartitionLog, clock: Clock): Promise<void> {
  while (!log.deleted) {
    const pass = await nextPass(log, clock)
    if (!pass) return
    await rewrite(log, pass, clock)
    log.markCleaned(pass.endOffset)
  }
}

/** The last offset of each key in a stretch of the dirty part. */
interface Pass {
  readonly lastOffsets: KeyOffsets
  readonly endOffset: number
  readonly nowMs: number
}

async function nextPass(log: PartitionLog, clock: Clock): Promise<Pass | undefined> {
  const lastOffsets = new KeyOffsets()
  let endOffset = log.cleanedOffset
  for (const chunk of log.sealed) {
    // Chunks before the start were deleted meanwhile, on disk as well.
    if (chunk.nextOffset <= Math.max(log.cleanedOffset, log.startOffset)) continue
    if (chunk.nextOffset > log.stableOffset || lastOffsets.size >= PASS_KEYS_MAX || log.deleted) break
    for (const record of log.store.recordsOf(chunk)) {
      if (record.keyLength !== NULL_LENGTH && !log.transactions.isAborted(record.offset))
        lastOffsets.set(record)
    }
    endOffset = chunk.nextOffset
    await clock.nextTurn()
  }
  return endOffset > log.cleanedOffset ? { lastOffsets, endOffset, nowMs: clock.nowMs() } : undefined
}

/** Neighbours that become small are packed into one chunk, or a log of long ago would be all headers. */
async function rewrite(log: PartitionLog, pass: Pass, clock: Clock): Promise<void> {
  let pack = new Pack()
  for (const chunk of log.sealed) {
    if (chunk.nextOffset > pass.endOffset || log.deleted) break
    if (chunk.nextOffset <= log.startOffset) continue
    const kept = log.store.recordsOf(chunk).filter(record => survives(record, chunk, log, pass))
    if (!pack.fits(kept)) {
      await flush(log, pack)
      pack = new Pack()
    }
    pack.add(chunk, kept, pass.nowMs)
    await clock.nextTurn()
  }
  await flush(log, pack)
}

/**
 * Records without a key cannot be replaced by a later one; old topics that became compacted may hold some.
 */
function survives(record: StoredRecord, chunk: Chunk, log: PartitionLog, pass: Pass): boolean {
  const { keyLength, valueLength, offset } = record
  if (log.transactions.isAborted(offset)) return false
  if (keyLength === NULL_LENGTH) return true
  const last = pass.lastOffsets.get(record)
  if (last !== undefined && last > offset) return false
  if (valueLength !== NULL_LENGTH || chunk.cleanedAtMs === NEVER_CLEANED) return true
  return pass.nowMs - chunk.cleanedAtMs < log.config.deleteRetentionMs
}

/**
 * Waits for the disk, so that not more than one rewritten chunk is held in memory. Chunks that were deleted
 * since they were read are left out: their neighbours must be rewritten all the same, since the marks of
 * aborted records go when the pass is over.
 */
async function flush(log: PartitionLog, pack: Pack): Promise<void> {
  pack.dropBefore(log.startOffset)
  if (log.deleted || !pack.isChanged()) return
  log.replace(pack.chunks(), pack.chunk())
  await log.store.journal?.settled()
}

/** A chunk, and what is kept of it. */
interface Part {
  readonly chunk: Chunk
  readonly kept: readonly StoredRecord[]
  readonly cleanedAtMs: number
}

class Pack {
  #parts: Part[] = []
  #count = 0
  #bytes = 0

  fits(records: readonly StoredRecord[]): boolean {
    if (this.#count === 0) return true
    return this.#count + records.length <= CHUNK_RECORDS_MAX && this.#bytes < CHUNK_BYTES_MAX
  }

  add(chunk: Chunk, kept: readonly StoredRecord[], nowMs: number): void {
    const cleanedAtMs = chunk.cleanedAtMs === NEVER_CLEANED ? nowMs : chunk.cleanedAtMs
    this.#parts.push({ chunk, kept, cleanedAtMs })
    this.#count += kept.length
    for (const record of kept) this.#bytes += record.bytes
  }

  /** Forgets the chunks that lie whole before the offset. Nothing may be added afterwards. */
  dropBefore(offset: number): void {
    this.#parts = this.#parts.filter(({ chunk }) => chunk.nextOffset > offset)
  }

  chunks(): readonly Chunk[] {
    return this.#parts.map(({ chunk }) => chunk)
  }

  /**
   * An old chunk that lost nothing stays as it is; a new one is written again with the time of its first
   * cleaning.
   */
  isChanged(): boolean {
    const [first] = this.#parts
    if (!first || this.#parts.length > 1) return this.#parts.length > 1
    return first.chunk.count !== first.kept.length || first.chunk.cleanedAtMs === NEVER_CLEANED
  }

  /**
   * The latest first cleaning counts for all, which keeps a tombstone too long rather than not long enough.
   */
  chunk(): Chunk {
    const parts = this.#parts
    const records = parts.flatMap(({ kept }) => kept)
    return {
      baseOffset: (parts[0] as Part).chunk.baseOffset,
      nextOffset: (parts.at(-1) as Part).chunk.nextOffset,
      count: records.length,
      bytes: records.reduce((sum, { bytes }) => sum + bytes, 0),
      maxTimestamp: records.reduce((max, { timestamp }) => Math.max(max, timestamp), -1),
      cleanedAtMs: parts.reduce((latest, { cleanedAtMs }) => Math.max(latest, cleanedAtMs), NEVER_CLEANED),
      records,
    }
  }
}
