import { BrokerError } from '../broker/broker-error.ts'
import { TaskCorruptedError, TaskMigratedError } from '../common/errors.ts'

/**
 * What a stream thread does about an error:
 *
 * - `abort`: the epoch is dropped; the tasks go back to the last commit and on from there.
 * - `rejoin`: the tasks are given up, clients are made anew, the group is joined again.
 * - `fail`: the thread ends; the application's handler for uncaught errors decides.
 */
export type Reaction = 'abort' | 'rejoin' | 'fail'

/** The one table of reactions. */
export function reactionTo(error: unknown): Reaction {
  if (error instanceof BrokerError) return reactionToBroker(error)
  // Ownership has moved on: nothing of this epoch may be committed, and the group must be asked what is ours.
  if (error instanceof TaskMigratedError) return 'rejoin'
  // The state cannot be used: taking the tasks over again restores it.
  if (error instanceof TaskCorruptedError) return 'rejoin'
  // User code failed, or we did: repeating would fail again.
  return 'fail'
}

function reactionToBroker(error: BrokerError): Reaction {
  switch (error.class) {
    // A call was repeated until `taskTimeoutMs` and its outcome is unknown: only a new producer can end the transaction.
    case 'retriable':
      return 'rejoin'
    case 'abortable':
      return 'abort'
    // The transaction timed out, or a copy of this process runs: a new producer finds out.
    case 'fenced':
      return 'rejoin'
    case 'task-migrated':
      return 'rejoin'
    // The record can never be written; the handler had its say.
    case 'record-too-large':
      return 'fail'
    case 'authorization':
      return 'fail'
    // The client is finished, the application need not be: a new client may find the cluster well again.
    case 'fatal':
      return error.code === 'CLIENT_CLOSED' || error.code.startsWith('UNKNOWN_TOPIC') ? 'fail' : 'rejoin'
  }
}
