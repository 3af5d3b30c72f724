import type { ByteReader } from '../../protocol/byte-reader.ts'

export interface AbortedTransaction {
  readonly producerId: number
  readonly firstOffset: number
}

/** The part of one partition in a response, whose buffer holds the records. */
export interface FetchedPartition {
  /** The topic's name; empty from version 13 on. */
  readonly topic: string
  /** The topic's id; undefined before version 13. */
  readonly topicId: string | undefined
  readonly partition: number
  readonly errorCode: number
  readonly highWatermark: number
  readonly lastStableOffset: number
  /**
   * The offset at which the log diverges from what was read (KIP-320): -1 where the broker does not know it,
   * undefined where the log does not diverge.
   */
  readonly divergedAt: number | undefined
  readonly aborted: readonly AbortedTransaction[]
  readonly recordsStart: number
  readonly recordsEnd: number
}

export interface FetchResponse {
  readonly errorCode: number
  readonly partitions: readonly FetchedPartition[]
}

const NONE: readonly AbortedTransaction[] = []

export function readFetchResponse(reader: ByteReader, version: number): FetchResponse {
  reader.int32() // throttled for so long
  const errorCode = reader.int16()
  reader.int32() // session
  const partitions: FetchedPartition[] = []
  for (let topics = reader.array(); topics > 0; topics -= 1) {
    const topicId = version >= 13 ? reader.uuid() : undefined
    const topic = version >= 13 ? '' : reader.string()
    for (let left = reader.array(); left > 0; left -= 1) {
      partitions.push(readPartition(reader, topic, topicId))
    }
    reader.tags()
  }
  reader.tags()
  return { errorCode, partitions }
}

function readPartition(reader: ByteReader, topic: string, topicId: string | undefined): FetchedPartition {
  const partition = reader.int32()
  const errorCode = reader.int16()
  const highWatermark = reader.int64()
  const lastStableOffset = reader.int64()
  reader.int64() // start of the log
  const aborted = readAborted(reader)
  reader.int32() // preferred read replica
  const length = reader.recordsLength()
  const recordsStart = reader.at
  reader.skip(length)
  let divergedAt: number | undefined
  reader.tags((tag, value) => {
    if (tag !== 0) return
    value.int32()
    divergedAt = value.int64()
  })
  return {
    topic,
    topicId,
    partition,
    errorCode,
    highWatermark,
    lastStableOffset,
    divergedAt,
    aborted,
    recordsStart,
    recordsEnd: recordsStart + length,
  }
}

function readAborted(reader: ByteReader): readonly AbortedTransaction[] {
  const length = reader.array()
  if (length === 0) return NONE
  const aborted: AbortedTransaction[] = []
  for (let left = length; left > 0; left -= 1) {
    aborted.push({ producerId: reader.int64(), firstOffset: reader.int64() })
    reader.tags()
  }
  return aborted
}
