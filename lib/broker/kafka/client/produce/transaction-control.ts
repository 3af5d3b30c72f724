import type { Consumer, OffsetToCommit } from '../../../broker.ts'
import type { ProducerIdentity } from './outgoing-batch.ts'

/**
 * The part of a transaction that the native client does: it fences other producers of the id, and adds
 * offsets, since only it knows the group's generation. It sends no records, so its commit and abort of a
 * transaction without offsets send no request.
 */
export interface TransactionControl {
  init(): Promise<void>
  /** The current identity. To be called between transactions. */
  identity(): Promise<ProducerIdentity>
  begin(): Promise<void>
  sendOffsets(offsets: readonly OffsetToCommit[], consumer: Consumer): Promise<void>
  commit(): Promise<void>
  abort(): Promise<void>
  close(): Promise<void>
}
