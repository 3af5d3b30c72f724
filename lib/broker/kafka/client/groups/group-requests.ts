import type { Buffer } from 'node:buffer'
import type { OffsetToCommit, TopicPartition } from '../../../broker.ts'
import { ByteReader } from '../../protocol/byte-reader.ts'
import type { ByteWriter } from '../../protocol/byte-writer.ts'

/** The committed offset of a partition; -1 where there is none. */
export interface FetchedOffset extends OffsetToCommit {
  readonly errorCode: number
}

export interface FetchedOffsets {
  readonly errorCode: number
  readonly offsets: readonly FetchedOffset[]
}

export interface DescribedMember {
  readonly memberId: string
  readonly clientId: string
  readonly partitions: readonly TopicPartition[]
}

export interface DescribedGroup {
  readonly errorCode: number
  /** The state by its name in the protocol: `Stable`, `Empty`, … */
  readonly state: string
  readonly members: readonly DescribedMember[]
}

/** Writes OffsetFetch, version 7. */
export function writeOffsetFetch(
  writer: ByteWriter,
  groupId: string,
  partitions: readonly TopicPartition[],
  stable: boolean,
): void {
  const topics = new Map<string, number[]>()
  for (const { topic, partition } of partitions) {
    const others = topics.get(topic)
    if (others) others.push(partition)
    else topics.set(topic, [partition])
  }
  writer.string(groupId).array(topics.size)
  for (const [topic, numbers] of topics) {
    writer.string(topic).array(numbers.length)
    for (const partition of numbers) writer.int32(partition)
    writer.noTags()
  }
  writer.boolean(stable).noTags()
}

export function readOffsetFetch(reader: ByteReader): FetchedOffsets {
  const offsets: FetchedOffset[] = []
  reader.int32() // throttled for so long
  for (let topics = reader.array(); topics > 0; topics -= 1) {
    const topic = reader.string()
    for (let left = reader.array(); left > 0; left -= 1) {
      const partition = reader.int32()
      const offset = reader.int64()
      reader.int32() // leader epoch
      // The native client commits metadata with the zero byte that ends a string in C.
      const metadata = reader.nullableString()?.replace(/\0$/, '')
      const errorCode = reader.int16()
      reader.tags()
      offsets.push({ topic, partition, offset, errorCode, ...(metadata ? { metadata } : {}) })
    }
    reader.tags()
  }
  const errorCode = reader.int16()
  reader.tags()
  return { errorCode, offsets }
}

/** Writes DescribeGroups, version 5, or ConsumerGroupDescribe, version 0, which have the same form. */
export function writeDescribeGroup(writer: ByteWriter, groupId: string): void {
  writer.array(1).string(groupId).boolean(false).noTags()
}

/** A group of the classic protocol; one of another protocol, or none, is `Dead`. */
export function readDescribeGroups(reader: ByteReader): DescribedGroup | undefined {
  let group: DescribedGroup | undefined
  reader.int32() // throttled for so long
  for (let left = reader.array(); left > 0; left -= 1) {
    const errorCode = reader.int16()
    reader.string() // the group
    const state = reader.string()
    reader.string() // kind of protocol
    reader.string() // protocol
    const members = readMany(reader, readClassicMember)
    reader.int32() // authorized operations
    reader.tags()
    group = { errorCode, state, members }
  }
  reader.tags()
  return group
}

/** A group of the consumer protocol (KIP-848). */
export function readConsumerGroupDescribe(reader: ByteReader): DescribedGroup | undefined {
  let group: DescribedGroup | undefined
  reader.int32() // throttled for so long
  for (let left = reader.array(); left > 0; left -= 1) {
    const errorCode = reader.int16()
    reader.nullableString() // message
    reader.string() // the group
    const state = reader.string()
    reader.int32() // epoch of the group
    reader.int32() // epoch of the assignment
    reader.string() // assignor
    const members = readMany(reader, readConsumerMember)
    reader.int32() // authorized operations
    reader.tags()
    group = { errorCode, state, members }
  }
  reader.tags()
  return group
}

/** Writes DeleteGroups, version 2. */
export function writeDeleteGroup(writer: ByteWriter, groupId: string): void {
  writer.array(1).string(groupId).noTags()
}

/** The error code of the answer; 0 where the group is deleted. */
export function readDeleteGroups(reader: ByteReader): number {
  let errorCode = 0
  reader.int32() // throttled for so long
  for (let left = reader.array(); left > 0; left -= 1) {
    reader.string() // the group
    errorCode = reader.int16()
    reader.tags()
  }
  reader.tags()
  return errorCode
}

function readMany<T>(reader: ByteReader, read: (reader: ByteReader) => T): T[] {
  const items: T[] = []
  for (let left = reader.array(); left > 0; left -= 1) items.push(read(reader))
  return items
}

function readClassicMember(reader: ByteReader): DescribedMember {
  const memberId = reader.string()
  reader.nullableString() // static instance
  const clientId = reader.string()
  reader.string() // host
  reader.bytes() // subscription
  const assignment = reader.bytes()
  reader.tags()
  return { memberId, clientId, partitions: readAssignment(assignment) }
}

/**
 * Reads an assignment in the format of the consumer's embedded protocol, which has no flexible version. It is
 * empty while the group rebalances.
 */
function readAssignment(bytes: Buffer): readonly TopicPartition[] {
  if (bytes.length === 0) return []
  const reader = new ByteReader(bytes, 0, false)
  reader.int16() // version
  return readMany(reader, each => {
    const topic = each.string()
    return readMany(each, one => ({ topic, partition: one.int32() }))
  }).flat()
}

function readConsumerMember(reader: ByteReader): DescribedMember {
  const memberId = reader.string()
  reader.nullableString() // static instance
  reader.nullableString() // rack
  reader.int32() // epoch
  const clientId = reader.string()
  reader.string() // host
  readMany(reader, each => each.string()) // topics
  reader.nullableString() // pattern
  const partitions = readTopicPartitions(reader)
  readTopicPartitions(reader) // target assignment
  reader.tags()
  return { memberId, clientId, partitions }
}

function readTopicPartitions(reader: ByteReader): readonly TopicPartition[] {
  const partitions = readMany(reader, each => {
    each.uuid()
    const topic = each.string()
    const numbers = readMany(each, one => ({ topic, partition: one.int32() }))
    each.tags()
    return numbers
  }).flat()
  reader.tags()
  return partitions
}
