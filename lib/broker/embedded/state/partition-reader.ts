import type { IsolationLevel, RecordBatch, TopicPartition } from '../../broker.ts'
import type { BrokerError } from '../../broker-error.ts'
import { offsetOutOfRange, unknownPartition } from './errors.ts'
import type { PartitionLog } from '../log/partition-log.ts'

/** A consumer's place in one assigned partition. Nothing is fetched ahead: the log is in this process. */
export class PartitionReader implements TopicPartition {
  readonly topic: string
  readonly partition: number
  readonly log: PartitionLog | undefined
  position: number
  knownEnd: number | undefined
  paused = false
  /** Set once its error was thrown: it is silent until assigned again. */
  failed = false
  /** What the next fetch waits for, where an interceptor is asked. */
  gate: 'unasked' | 'waiting' | 'open' = 'unasked'

  constructor(partition: TopicPartition, log: PartitionLog | undefined, position: number) {
    this.topic = partition.topic
    this.partition = partition.partition
    this.log = log
    this.position = position
  }

  get active(): boolean {
    return !this.paused && !this.failed
  }

  /** Whether a poll would give something: records, a position moved on, or an error. */
  hasNews(isolation: IsolationLevel): boolean {
    if (!this.active || this.gate === 'waiting') return false
    if (!this.log || this.log.deleted) return true
    const { startOffset, endOffset } = this.log
    if (this.position < startOffset || this.position > endOffset) return true
    return this.position < this.log.visibleEnd(isolation)
  }

  /** What is wrong with the place. */
  problem(): BrokerError | undefined {
    const { log, position } = this
    if (!log || log.deleted) return unknownPartition(this)
    const { startOffset, endOffset } = log
    if (position >= startOffset && position <= endOffset) return undefined
    const detail = `offset ${position} is outside of ${startOffset} to ${endOffset}`
    return offsetOutOfRange([{ topic: this.topic, partition: this.partition }], detail)
  }

  read(recordsMax: number, isolation: IsolationLevel): RecordBatch | undefined {
    if (!this.log) return undefined
    this.knownEnd = this.log.visibleEnd(isolation)
    const batch = this.log.read(this.position, recordsMax, isolation)
    if (batch) this.position = batch.nextOffset
    return batch
  }
}
