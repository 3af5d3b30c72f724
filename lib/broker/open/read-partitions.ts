import { partitionKey } from '../../common/ids.ts'
import type { Broker, IsolationLevel, RecordBatch, TopicPartitionOffset } from '../broker.ts'

export interface PartitionReading {
  readonly clientId: string
  readonly isolation: IsolationLevel
  /** The offset to begin at in each partition. */
  readonly starts: readonly TopicPartitionOffset[]
  /** The offset to end at, by `partitionKey`; without it the reading goes on. */
  readonly ends?: ReadonlyMap<string, number>
  /** Ends the reading. */
  readonly signal?: AbortSignal | undefined
}

const POLL_RECORDS = 500
const WAIT_MS = 200

/** Reads partitions without a group, in batches that are not empty. Leaving the loop ends the reading. */
export async function* readPartitions(
  broker: Broker,
  { clientId, isolation, starts, ends, signal }: PartitionReading,
): AsyncGenerator<RecordBatch, void, undefined> {
  const consumer = await broker.consumer({ clientId, isolation })
  try {
    consumer.assign(starts)
    const endOf = (topic: string, partition: number) =>
      ends ? (ends.get(partitionKey(topic, partition)) ?? 0) : Infinity
    const isOver = () =>
      starts.every(each => (consumer.position(each) ?? 0) >= endOf(each.topic, each.partition))
    while (!signal?.aborted && !isOver()) {
      const batches = consumer.poll(POLL_RECORDS)
      for (const batch of batches) {
        if (signal?.aborted) return
        const cut = cutAt(batch, endOf(batch.topic, batch.partition))
        if (cut.records.length > 0) yield cut
      }
      if (batches.length === 0) await consumer.ready(WAIT_MS)
    }
  } finally {
    await consumer.close()
  }
}

/** The records of a batch before `end`: a fetch may bring more. */
function cutAt(batch: RecordBatch, end: number): RecordBatch {
  const { records } = batch
  if (records.length === 0 || records[records.length - 1]!.offset < end) return batch
  return { ...batch, records: records.filter(({ offset }) => offset < end) }
}
