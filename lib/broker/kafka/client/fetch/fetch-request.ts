import type { IsolationLevel } from '../../../broker.ts'
import type { ByteWriter } from '../../protocol/byte-writer.ts'

/** One partition of a request. */
export interface FetchTarget {
  readonly topic: string
  /** The topic's id, which version 13 needs. */
  readonly topicId: string | undefined
  readonly partition: number
  readonly offset: number
  readonly leaderEpoch: number
  /**
   * The leader epoch of the last record read, or -1: by it the broker notices that the log was truncated.
   */
  readonly lastEpoch: number
  readonly bytesMax: number
}

export interface FetchRequest {
  readonly isolation: IsolationLevel
  readonly waitMs: number
  readonly bytesMin: number
  readonly bytesMax: number
  /** The partitions, in the order in which they get a share of `bytesMax`. */
  readonly targets: readonly FetchTarget[]
}

export function writeFetchRequest(writer: ByteWriter, version: number, request: FetchRequest): void {
  writer.int32(-1).int32(request.waitMs).int32(request.bytesMin).int32(request.bytesMax)
  writer.int8(request.isolation === 'read_committed' ? 1 : 0)
  // Without a fetch session: each request names every partition.
  writer.int32(0).int32(-1)
  const topics = runsByTopic(request.targets)
  writer.array(topics.length)
  for (const targets of topics) {
    const { topic, topicId } = targets[0]!
    if (version >= 13) writer.raw(Buffer.from(topicId ?? '', 'hex'))
    else writer.string(topic)
    writer.array(targets.length)
    for (const target of targets) writeTarget(writer, version, target)
    writer.noTags()
  }
  // The partitions to remove from a session, and the rack of this client: none.
  writer.array(0).string('').noTags()
}

function writeTarget(writer: ByteWriter, version: number, target: FetchTarget): void {
  writer.int32(target.partition).int32(target.leaderEpoch).int64(target.offset)
  if (version >= 12) writer.int32(target.lastEpoch)
  writer.int64(-1).int32(target.bytesMax).noTags()
}

/**
 * Neighbours of one topic. A topic may have several runs, since the order of the partitions has to be kept.
 */
function runsByTopic(targets: readonly FetchTarget[]): FetchTarget[][] {
  const runs: FetchTarget[][] = []
  let run: FetchTarget[] | undefined
  for (const target of targets) {
    if (run?.[0]?.topic !== target.topic) runs.push((run = []))
    run.push(target)
  }
  return runs
}
