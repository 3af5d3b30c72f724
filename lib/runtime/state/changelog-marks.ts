import { createHash } from 'node:crypto'
import type { OffsetToCommit } from '../../broker/broker.ts'
import {
  decodeOperatorTimes,
  decodePartitionTime,
  encodeOperatorTimes,
  encodePartitionTime,
} from '../plan/offset-metadata.ts'

/**
 * Prefix of a mark's name. A mark in the metadata of committed offsets says in which changelog topic the
 * state of these offsets is: a topic that was deleted and made anew has the same name, and whoever takes a
 * task over without state on disk would take it for a store that was never written. Marks stand among the
 * operators' times, whose names have no blank in front; Kafka Streams passes them on.
 */
const PREFIX = ' changelog '
/** Bytes of an id: as many as fit into a safe integer. */
const MARK_BYTES = 6

export type ChangelogMarks = ReadonlyMap<string, number>

/** Marks by name, as operators' times are. `topicIds`: ids of topics by store. */
export function marksOf(topicIds: Iterable<readonly [storeName: string, topicId: string]>): ChangelogMarks {
  return new Map(Array.from(topicIds, ([storeName, topicId]) => [PREFIX + storeName, markOf(topicId)]))
}

/**
 * Whether these offsets were committed with that very topic; undefined where they do not say. An offset that
 * did not move keeps an older mark.
 */
export function isMarked(
  committed: Iterable<OffsetToCommit>,
  { storeName, topicId }: { readonly storeName: string; readonly topicId: string | undefined },
): boolean | undefined {
  if (topicId === undefined) return undefined
  let known = false
  for (const { metadata } of committed) {
    const mark = decodeOperatorTimes(metadata).get(PREFIX + storeName)
    if (mark === markOf(topicId)) return true
    known ||= mark !== undefined
  }
  return known ? false : undefined
}

/** The offset with another mark of one store. */
export function withMark(offset: OffsetToCommit, storeName: string, topicId: string): OffsetToCommit {
  const { metadata } = offset
  const times = new Map(decodeOperatorTimes(metadata)).set(PREFIX + storeName, markOf(topicId))
  return {
    ...offset,
    metadata: encodePartitionTime(decodePartitionTime(metadata), encodeOperatorTimes(times)),
  }
}

function markOf(topicId: string): number {
  return createHash('sha256').update(topicId).digest().readUIntBE(0, MARK_BYTES)
}
