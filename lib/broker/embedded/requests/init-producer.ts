import type { BrokerState } from '../state/broker-state.ts'
import { decide } from './end-transaction.ts'
import type { TransactionState } from '../state/transaction-state.ts'

/**
 * InitProducerId. Gives the transactional id a new epoch, which fences every older producer, aborts what one
 * of them left open and waits until a decided transaction has all its markers.
 */
export async function initProducer(
  state: BrokerState,
  transactionalId: string,
  timeoutMs: number,
): Promise<{ readonly transaction: TransactionState; readonly epoch: number }> {
  state.assertOpen()
  const transaction = state.transaction(transactionalId)
  const epoch = ++transaction.epoch
  transaction.timeoutMs = timeoutMs
  if (transaction.status === 'ongoing') decide(state, transaction, 'abort')
  await transaction.completion
  transaction.lastOutcome = undefined
  state.journal?.touch(transaction)
  await state.settled()
  return { transaction, epoch }
}
