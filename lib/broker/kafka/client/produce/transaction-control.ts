import type { Consumer, OffsetToCommit } from '../../../broker.ts'
import type { ProducerIdentity } from './outgoing-batch.ts'

/**
 * The half of a transaction that the native client keeps: it fences other producers of the id, and adds the
 * offsets, since it alone knows the group's generation. It sends no record, so for a transaction without
 * offsets its commit and abort say nothing to the broker.
 */
export interface TransactionControl {
  init(): Promise<void>
  /** As it is now, between two transactions. */
  identity(): Promise<ProducerIdentity>
  begin(): Promise<void>
  sendOffsets(offsets: readonly OffsetToCommit[], consumer: Consumer): Promise<void>
  commit(): Promise<void>
  abort(): Promise<void>
  close(): Promise<void>
}
