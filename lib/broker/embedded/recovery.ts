import type { Level } from 'level'
import type { Buffer } from 'node:buffer'
import { partitionKey } from '../../common/ids.ts'
import type { OffsetToCommit } from '../broker.ts'
import type { StoredRecord } from './log/stored-record.ts'
import type { BrokerState } from './state/broker-state.ts'
import { type Chunk, CHUNK_BYTES_MAX, CHUNK_RECORDS_MAX, emptyChunk, NEVER_CLEANED } from './log/chunk.ts'
import type { ChunkInfo, LogInfo } from './log/chunk-store.ts'
import { decide } from './requests/end-transaction.ts'
import { keys, logId, prefixRange } from './log/keys.ts'
import { watchLogs } from './state/log-cleaner.ts'
import type { PartitionLog } from './log/partition-log.ts'
import type { Topic, TopicInfo } from './log/topic.ts'
import type { TransactionInfo } from './state/transaction-state.ts'

type Database = Level<string, Buffer>
type StoredTopic = Omit<TopicInfo, 'uuid'> & Partial<Pick<TopicInfo, 'uuid'>>

/**
 * Reads a durable broker's state back: everything but the records, of which only each log's growing end is
 * read. Transactions that were open are aborted at once and their producers fenced, since no client outlives
 * the process; decided ones are completed.
 */
export async function recover(state: BrokerState, database: Database): Promise<void> {
  for await (const [name, stored] of entries<StoredTopic>(database, 'topic/')) {
    // Topics of a broker from before they had ids get theirs now.
    const info: TopicInfo = { ...stored, uuid: stored.uuid ?? state.random.uuid() }
    if (stored.uuid === undefined) state.journal?.putJson(keys.topic(name), info)
    const topic = state.addTopic(name, info)
    await recoverLogs(topic, database)
    watchLogs(state, topic)
  }
  for await (const [key, offset] of entries<OffsetToCommit>(database, 'offset/')) {
    const [groupId] = JSON.parse(key) as [groupId: string, topic: string, partition: number]
    state.group(groupId).offsets.set(partitionKey(offset.topic, offset.partition), offset)
  }
  for await (const [transactionalId, info] of entries<TransactionInfo>(database, 'transaction/')) {
    recoverTransaction(state, transactionalId, info)
  }
  await state.settled()
}

async function recoverLogs({ topicId, logs }: Topic, database: Database): Promise<void> {
  for (const log of logs) await recoverLog(log, logId(topicId, log.partition), database)
}

/** Only the infos of chunks are read, a few dozen bytes for a thousand records. */
async function recoverLog(log: PartitionLog, id: string, database: Database): Promise<void> {
  const stored = await database.get(keys.log(id))
  const info = stored ? parse<LogInfo>(stored) : { startOffset: 0, cleanedOffset: 0 }
  log.startOffset = info.startOffset
  log.cleanedOffset = info.cleanedOffset
  const chunks: Chunk[] = []
  for await (const [baseOffset, chunk] of entries<ChunkInfo>(database, `info/${id}/`)) {
    chunks.push({ ...chunk, baseOffset: Number(baseOffset), records: undefined })
  }
  for await (const [from, to] of entries<number>(database, `aborted/${id}/`)) {
    log.transactions.addAborted({ from: Number(from), to })
  }
  const pieces = takeTailPieces(chunks)
  const endOffset = (pieces.at(-1) ?? chunks.at(-1))?.nextOffset ?? info.startOffset
  log.restore(chunks, joinPieces(log, pieces, endOffset))
  log.store.resume(
    pieces.map(({ baseOffset }) => baseOffset),
    endOffset,
    info,
  )
}

/**
 * The last small chunks that follow each other without a gap: what had come to the tail before the process
 * ended.
 */
function takeTailPieces(chunks: Chunk[]): Chunk[] {
  const pieces: Chunk[] = []
  let count = 0
  let bytes = 0
  for (let last = chunks.at(-1); last; last = chunks.at(-1)) {
    count += last.count
    bytes += last.bytes
    const adjoins = !pieces[0] || pieces[0].baseOffset === last.nextOffset
    if (!adjoins || last.cleanedAtMs !== NEVER_CLEANED) break
    if (count >= CHUNK_RECORDS_MAX || bytes >= CHUNK_BYTES_MAX) break
    pieces.unshift(last)
    chunks.pop()
  }
  return pieces
}

/** The tail grows on in memory; its pieces stay on disk until it is sealed. */
function joinPieces(log: PartitionLog, pieces: readonly Chunk[], endOffset: number): Chunk {
  const tail = emptyChunk(pieces[0]?.baseOffset ?? endOffset)
  const records: StoredRecord[] = []
  for (const piece of pieces) {
    records.push(...log.store.recordsOf(piece))
    tail.bytes += piece.bytes
    tail.maxTimestamp = Math.max(tail.maxTimestamp, piece.maxTimestamp)
  }
  return { ...tail, nextOffset: endOffset, count: records.length, records }
}

/** The new epoch comes before the abort, as with a timeout: whoever held the old one is fenced. */
function recoverTransaction(state: BrokerState, transactionalId: string, info: TransactionInfo): void {
  const { producerId, epoch, status } = info
  const transaction = state.addTransaction(transactionalId, producerId, epoch + 1)
  if (status === 'empty') return
  for (const { topic, partition, ranges } of info.logs) {
    const log = state.log(topic, partition)
    if (!log || ranges.length === 0) continue
    for (const { from, to } of ranges) log.transactions.add(producerId, from, to)
    transaction.logs.add(log)
  }
  for (const { groupId, offsets } of info.groups) {
    if (offsets.length > 0) state.group(groupId).setPending(producerId, offsets)
    transaction.groups.add(state.group(groupId))
  }
  decide(state, transaction, status === 'committing' ? 'commit' : 'abort')
}

async function* entries<T>(database: Database, prefix: string): AsyncIterable<readonly [string, T]> {
  for await (const [key, value] of database.iterator(prefixRange(prefix))) {
    yield [key.slice(prefix.length), parse<T>(value)]
  }
}

function parse<T>(value: Buffer): T {
  return JSON.parse(value.toString('utf8')) as T
}
