import type { TopicPartition } from '../../../broker.ts'
import { PartitionMap } from '../../protocol/partition-map.ts'
import type { ByteReader } from '../../protocol/byte-reader.ts'
import type { ByteWriter } from '../../protocol/byte-writer.ts'
import type { ProducerIdentity } from './outgoing-batch.ts'

/** Writes InitProducerId for a producer without transactions. */
export function writeInitProducerId(writer: ByteWriter): void {
  writer.string(null).int32(0).noTags()
}

export function readInitProducerId(reader: ByteReader): ProducerIdentity & { readonly errorCode: number } {
  reader.int32() // throttled for so long
  const answer = { errorCode: reader.int16(), producerId: reader.int64(), epoch: reader.int16() }
  reader.tags()
  return answer
}

/** The producer whose transaction it is. */
export interface TransactionOwner extends ProducerIdentity {
  readonly transactionalId: string
}

export function writeAddPartitions(
  writer: ByteWriter,
  owner: TransactionOwner,
  partitions: readonly TopicPartition[],
): void {
  writeOwner(writer, owner)
  const topics = new Map<string, number[]>()
  for (const { topic, partition } of partitions) {
    const others = topics.get(topic)
    if (others) others.push(partition)
    else topics.set(topic, [partition])
  }
  writer.array(topics.size)
  for (const [topic, numbers] of topics) {
    writer.string(topic).array(numbers.length)
    for (const partition of numbers) writer.int32(partition)
    writer.noTags()
  }
  writer.noTags()
}

/** The error codes of the answer, by partition. */
export function readAddPartitions(reader: ByteReader): PartitionMap<number> {
  const codes = new PartitionMap<number>()
  reader.int32() // throttled for so long
  for (let topics = reader.array(); topics > 0; topics -= 1) {
    const topic = reader.string()
    for (let left = reader.array(); left > 0; left -= 1) {
      codes.set({ topic, partition: reader.int32() }, reader.int16())
      reader.tags()
    }
    reader.tags()
  }
  reader.tags()
  return codes
}

export function writeEndTransaction(writer: ByteWriter, owner: TransactionOwner, isCommit: boolean): void {
  writeOwner(writer, owner)
  writer.boolean(isCommit).noTags()
}

/** The error code of the answer. */
export function readEndTransaction(reader: ByteReader): number {
  reader.int32() // throttled for so long
  const errorCode = reader.int16()
  reader.tags()
  return errorCode
}

function writeOwner(writer: ByteWriter, { transactionalId, producerId, epoch }: TransactionOwner): void {
  writer.string(transactionalId).int64(producerId).int16(epoch)
}
