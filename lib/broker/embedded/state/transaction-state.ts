import type { Timer } from '../../../common/clock.ts'
import type { OffsetToCommit } from '../../broker.ts'
import { producerFenced } from './errors.ts'
import type { Group } from './group.ts'
import type { WriteBatch } from '../log/journal.ts'
import { keys } from '../log/keys.ts'
import type { PartitionLog } from '../log/partition-log.ts'
import type { OffsetRange } from '../log/transaction-index.ts'

/** `committing` and `aborting`: decided, markers still to come. */
export type TransactionStatus = 'empty' | 'ongoing' | 'committing' | 'aborting'
export type Outcome = 'commit' | 'abort'

/** What is kept of a transactional id on disk. */
export interface TransactionInfo {
  readonly producerId: number
  readonly epoch: number
  readonly status: TransactionStatus
  readonly logs: readonly {
    readonly topic: string
    readonly partition: number
    readonly ranges: readonly OffsetRange[]
  }[]
  readonly groups: readonly { readonly groupId: string; readonly offsets: readonly OffsetToCommit[] }[]
}

/** A transactional id: its producer id and epoch for good, and the transaction that is under way. */
export class TransactionState {
  readonly transactionalId: string
  readonly producerId: number
  epoch: number
  timeoutMs = 0
  status: TransactionStatus = 'empty'
  /**
   * How the last transaction ended, until the next one begins: an answer that was lost may be asked for
   * again.
   */
  lastOutcome: Outcome | undefined
  readonly logs = new Set<PartitionLog>()
  readonly groups = new Set<Group>()
  /** Aborts the transaction when it stays open too long. */
  timer: Timer | undefined
  /** Resolves when the markers of the decided transaction are written. */
  completion: Promise<void> | undefined

  constructor(transactionalId: string, producerId: number, epoch: number) {
    this.transactionalId = transactionalId
    this.producerId = producerId
    this.epoch = epoch
  }

  requireEpoch(epoch: number): void {
    if (epoch !== this.epoch) throw producerFenced(this.transactionalId)
  }

  writeTo(batch: WriteBatch): void {
    const { producerId, epoch, status } = this
    const logs = [...this.logs]
      .filter(log => !log.deleted)
      .map(log => ({
        topic: log.topic,
        partition: log.partition,
        ranges: log.transactions.rangesOf(producerId),
      }))
    const groups = [...this.groups].map(group => ({
      groupId: group.groupId,
      offsets: group.pendingOf(producerId),
    }))
    const info: TransactionInfo = { producerId, epoch, status, logs, groups }
    batch.putJson(keys.transaction(this.transactionalId), info)
  }
}
