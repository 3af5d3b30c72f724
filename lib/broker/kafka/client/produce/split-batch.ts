import type { OutgoingRecord, TopicPartition } from '../../../broker.ts'
import { type OutgoingBatch, recordBytesMax } from './outgoing-batch.ts'

/** Divides the records of a batch into two batches. */
export function splitBatch(
  batch: OutgoingBatch,
  place: TopicPartition,
  open: (bytes: number) => OutgoingBatch,
): OutgoingBatch[] {
  const records = batch.records()
  const middle = Math.ceil(records.length / 2)
  return [records.slice(0, middle), records.slice(middle)].map(half => {
    const part = open(Math.ceil(batch.bytes / 2))
    for (const { key, value, timestamp, headers } of half) {
      const record: OutgoingRecord = { ...place, key, value, timestamp, headers }
      part.append(record, recordBytesMax(record))
    }
    return part
  })
}
