import type { BrokerError } from '../../../broker-error.ts'
import type { RecordBatch, TopicPartition, TopicPartitionOffset } from '../../../broker.ts'

/**
 * The reading half of a consumer: knows nothing of groups. Everything but `close` is synchronous, with the
 * meaning that the port gives to the methods of the same name. It calls `wake` when `hasData` may have become
 * true or an error has come.
 */
export interface Fetcher {
  assign(positions: readonly TopicPartitionOffset[]): void
  unassign(partitions: readonly TopicPartition[]): void
  pause(partitions: readonly TopicPartition[]): void
  resume(partitions: readonly TopicPartition[]): void
  position(partition: TopicPartition): number | undefined
  knownEnd(partition: TopicPartition): number | undefined
  /** Whether `poll` would return a batch. */
  readonly hasData: boolean
  poll(maxRecords: number): readonly RecordBatch[]
  readonly hasError: boolean
  takeError(): BrokerError | undefined
  /** Called at least every 100 ms while somebody waits: for what no event announces. */
  tick(): void
  close(): Promise<void>
}
