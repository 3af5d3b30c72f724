import type { ByteReader } from './byte-reader.ts'
import type { ByteWriter } from './byte-writer.ts'

export interface BrokerAddress {
  readonly host: string
  readonly port: number
}

export interface PartitionMetadata {
  /** The error of the topic or else of the partition; 0 without one. */
  readonly errorCode: number
  /** The leader's node; -1 while there is none. */
  readonly leader: number
  readonly leaderEpoch: number
}

export interface TopicMetadata {
  readonly errorCode: number
  readonly topic: string
  /** Undefined where the broker is older than topic ids. */
  readonly topicId: string | undefined
  readonly partitions: ReadonlyMap<number, PartitionMetadata>
}

export interface Metadata {
  readonly brokers: ReadonlyMap<number, BrokerAddress>
  readonly topics: readonly TopicMetadata[]
}

const NO_ID = '0'.repeat(32)
const IDS_FROM = 10

export function writeMetadataRequest(writer: ByteWriter, version: number, topics: readonly string[]): void {
  writer.array(topics.length)
  for (const topic of topics) {
    if (version >= IDS_FROM) writer.int32(0).int32(0).int32(0).int32(0)
    writer.string(topic).noTags()
  }
  // Auto-creation is off: a question about a topic must not create it.
  writer.boolean(false)
  if (version <= 10) writer.boolean(false)
  writer.boolean(false).noTags()
}

export function readMetadata(reader: ByteReader, version: number): Metadata {
  reader.int32() // throttled for so long
  const brokers = new Map<number, BrokerAddress>()
  for (let left = reader.array(); left > 0; left -= 1) {
    const id = reader.int32()
    brokers.set(id, { host: reader.string(), port: reader.int32() })
    reader.nullableString() // rack
    reader.tags()
  }
  reader.nullableString() // cluster
  reader.int32() // controller
  const topics: TopicMetadata[] = []
  for (let left = reader.array(); left > 0; left -= 1) topics.push(readTopic(reader, version))
  return { brokers, topics }
}

function readTopic(reader: ByteReader, version: number): TopicMetadata {
  const errorCode = reader.int16()
  const topic = reader.nullableString() ?? ''
  const id = version >= IDS_FROM ? reader.uuid() : NO_ID
  reader.boolean() // internal
  const partitions = new Map<number, PartitionMetadata>()
  for (let left = reader.array(); left > 0; left -= 1) {
    const partitionError = reader.int16()
    const partition = reader.int32()
    partitions.set(partition, {
      errorCode: partitionError,
      leader: reader.int32(),
      leaderEpoch: reader.int32(),
    })
    for (let list = 0; list < 3; list += 1) {
      // Nodes of the replicas: all, in sync, offline.
      reader.skip(reader.array() * 4)
    }
    reader.tags()
  }
  reader.int32() // operations allowed
  reader.tags()
  return { errorCode, topic, topicId: id === NO_ID ? undefined : id, partitions }
}
