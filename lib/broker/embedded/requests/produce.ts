import { invalidTransactionState, unknownPartition } from '../state/errors.ts'
import { abortTimedOut } from './end-transaction.ts'
import type { BrokerState } from '../state/broker-state.ts'
import type { PartitionLog } from '../log/partition-log.ts'
import type { StoredRecord } from '../log/stored-record.ts'
import type { TransactionState } from '../state/transaction-state.ts'

/** Records of one producer for one partition. */
export interface ProduceBatch {
  readonly log: PartitionLog
  readonly records: readonly StoredRecord[]
  readonly transaction: TransactionState | undefined
  readonly epoch: number
  /**
   * Set when the batch has been appended: a batch that is sent again because its answer was lost changes
   * nothing.
   */
  appended: boolean
}

/**
 * Produce. Appends a batch, inside the producer's transaction if it has one. Idempotence: in one process a
 * batch is an object, and the object remembers that it was appended, which is what producer ids and sequence
 * numbers do on a wire. Left out: acks other than all, compression, time stamps by the broker.
 */
export function produce(state: BrokerState, batch: ProduceBatch): void {
  state.assertOpen()
  const { log, transaction } = batch
  if (transaction) transaction.requireEpoch(batch.epoch)
  if (batch.appended) return
  if (log.deleted) throw unknownPartition(log)
  if (transaction) enlist(state, transaction)
  transaction?.logs.add(log)
  log.append(batch.records, transaction?.producerId)
  batch.appended = true
}

/** The first record or offset of a transaction makes it one. */
export function enlist(state: BrokerState, transaction: TransactionState): void {
  if (transaction.status === 'empty') {
    transaction.status = 'ongoing'
    transaction.lastOutcome = undefined
    const { epoch } = transaction
    transaction.timer = state.clock.schedule(transaction.timeoutMs, () =>
      abortTimedOut(state, transaction, epoch),
    )
  } else if (transaction.status !== 'ongoing') {
    throw invalidTransactionState(`transaction of "${transaction.transactionalId}" is ${transaction.status}`)
  }
  state.journal?.touch(transaction)
}
