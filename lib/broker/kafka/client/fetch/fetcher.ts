import type { BrokerError } from '../../../broker-error.ts'
import type { RecordBatch, TopicPartition, TopicPartitionOffset } from '../../../broker.ts'

/**
 * The half of a consumer that reads, and knows no groups. All methods but `close` are synchronous and mean
 * what they mean in `Consumer`. It calls `wake` when `hasData` may have become true, or there is an error.
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
  /** To be called at least every 100 ms while somebody waits: some changes come without an event. */
  tick(): void
  close(): Promise<void>
}
