import type { OffsetToCommit } from '../../broker.ts'
import type { BrokerState } from '../state/broker-state.ts'
import type { Membership } from './offset-commit.ts'
import { enlist } from './produce.ts'
import type { TransactionState } from '../state/transaction-state.ts'

/**
 * AddOffsetsToTxn and TxnOffsetCommit in one: offsets that count when the transaction commits. Refused as
 * OffsetCommit is.
 */
export function addTransactionOffsets(
  state: BrokerState,
  producer: { readonly transaction: TransactionState; readonly epoch: number },
  { groupId, memberId }: Membership,
  offsets: readonly OffsetToCommit[],
): void {
  state.assertOpen()
  const { transaction, epoch } = producer
  transaction.requireEpoch(epoch)
  const group = state.group(groupId)
  group.requireMember(memberId)
  for (const offset of offsets) state.logOrThrow(offset)
  if (offsets.length === 0) return
  enlist(state, transaction)
  transaction.groups.add(group)
  group.setPending(transaction.producerId, offsets)
}
