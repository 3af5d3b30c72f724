import { BrokerError } from '../../broker-error.ts'
import type { BrokerState } from '../state/broker-state.ts'
import { invalidTransactionState } from '../state/errors.ts'
import type { Group } from '../state/group.ts'
import { keys } from '../log/keys.ts'
import type { Outcome, TransactionState } from '../state/transaction-state.ts'

/**
 * Where the offsets of groups live in Kafka: the topic under which their marker is shown to an interceptor.
 */
const OFFSETS_TOPIC = '__consumer_offsets'
const MARKER_RETRY_MS = 10

/**
 * EndTxn. Decides the transaction of this epoch; the decision and its markers are one atomic batch, unless an
 * interceptor holds a marker back. The caller answers once the decision is durable, as Kafka does: markers
 * may come later, and `transaction.completion` says when. Asking again for the same outcome is answered as
 * before.
 */
export function endTransaction(
  state: BrokerState,
  transaction: TransactionState,
  epoch: number,
  outcome: Outcome,
): void {
  state.assertOpen()
  transaction.requireEpoch(epoch)
  if (transaction.status === 'ongoing') return decide(state, transaction, outcome)
  if (transaction.lastOutcome === outcome) return
  if (transaction.status === 'empty' && transaction.lastOutcome === undefined) return
  const message = `the transaction of "${transaction.transactionalId}" has ended by ${transaction.lastOutcome} already`
  throw invalidTransactionState(message)
}

/**
 * A transaction that stays open too long: aborted, and its producer fenced, so that a late commit cannot
 * succeed.
 */
export function abortTimedOut(state: BrokerState, transaction: TransactionState, epoch: number): void {
  if (state.closed || transaction.epoch !== epoch || transaction.status !== 'ongoing') return
  transaction.epoch++
  decide(state, transaction, 'abort')
}

/** Decides, and completes what was decided before a restart. */
export function decide(state: BrokerState, transaction: TransactionState, outcome: Outcome): void {
  transaction.timer?.cancel()
  transaction.status = outcome === 'commit' ? 'committing' : 'aborting'
  transaction.lastOutcome = outcome
  state.journal?.touch(transaction)
  const waits = writeMarkers(state, transaction, outcome)
  if (waits.length === 0) return complete(state, transaction)
  transaction.completion = Promise.all(waits).then(() => complete(state, transaction))
}

/** One marker for each partition and each group. What is returned is still to come. */
function writeMarkers(
  state: BrokerState,
  transaction: TransactionState,
  outcome: Outcome,
): readonly Promise<void>[] {
  const { producerId } = transaction
  const offsets = [...transaction.groups].map(group =>
    marker(state, transaction, { topic: OFFSETS_TOPIC, partition: 0, outcome, groupId: group.groupId }, () =>
      endGroupTransaction(state, group, producerId, outcome),
    ),
  )
  const data = [...transaction.logs].map(log =>
    marker(state, transaction, { topic: log.topic, partition: log.partition, outcome }, () =>
      log.endTransaction(producerId, outcome),
    ),
  )
  return [...offsets, ...data].filter(wait => wait !== undefined)
}

interface MarkerTarget {
  readonly topic: string
  readonly partition: number
  readonly outcome: Outcome
  readonly groupId?: string
}

function marker(
  state: BrokerState,
  transaction: TransactionState,
  target: MarkerTarget,
  write: () => void,
): Promise<void> | undefined {
  if (!state.interceptions.active) {
    write()
    return undefined
  }
  return markerUntilWritten(state, transaction, target, write)
}

/** A decided transaction has to be completed, so a refused marker is tried again. */
async function markerUntilWritten(
  state: BrokerState,
  transaction: TransactionState,
  target: MarkerTarget,
  write: () => void,
): Promise<void> {
  const { transactionalId } = transaction
  let written = false
  const once = () => {
    if (written) return
    written = true
    write()
    // Else a restart in between would find this marker still to be written.
    state.journal?.touch(transaction)
  }
  while (!written && !state.closed) {
    try {
      await state.interceptions.run({ operation: 'write-marker', transactionalId, ...target }, once)
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error
      await state.clock.sleep(MARKER_RETRY_MS)
    }
  }
}

/**
 * Pending offsets that count now go to disk in the batch of the decision, or of the marker that was held
 * back.
 */
function endGroupTransaction(state: BrokerState, group: Group, producerId: number, outcome: Outcome): void {
  for (const offset of group.endTransaction(producerId, outcome)) {
    const { topic, partition } = offset
    state.journal?.putJson(keys.offset(group.groupId, topic, partition), offset)
  }
}

function complete(state: BrokerState, transaction: TransactionState): void {
  transaction.status = 'empty'
  transaction.completion = undefined
  transaction.logs.clear()
  transaction.groups.clear()
  if (!state.closed) state.journal?.touch(transaction)
}
