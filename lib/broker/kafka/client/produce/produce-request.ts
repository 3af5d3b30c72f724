import type { ByteWriter } from '../../protocol/byte-writer.ts'

/** A batch is acknowledged when all in-sync replicas have it. */
const ACKS_ALL = -1

export interface ProduceTarget {
  readonly topic: string
  readonly partition: number
  /** One record batch, which is sent without a copy. */
  readonly bytes: Uint8Array
}

export interface ProduceRequest {
  readonly transactionalId: string | null
  /** How long the broker may wait for the replicas. */
  readonly timeoutMs: number
  readonly targets: readonly ProduceTarget[]
}

/** Writes a Produce request, whose form is the same in all versions of `PRODUCE`. */
export function writeProduceRequest(
  writer: ByteWriter,
  { transactionalId, timeoutMs, targets }: ProduceRequest,
): void {
  const topics = new Map<string, ProduceTarget[]>()
  for (const target of targets) {
    const others = topics.get(target.topic)
    if (others) others.push(target)
    else topics.set(target.topic, [target])
  }
  writer.string(transactionalId).int16(ACKS_ALL).int32(timeoutMs).array(topics.size)
  for (const [topic, partitions] of topics) {
    writer.string(topic).array(partitions.length)
    for (const { partition, bytes } of partitions) writer.int32(partition).attach(bytes).noTags()
    writer.noTags()
  }
  writer.noTags()
}
