import { BrokerError } from '../../../broker-error.ts'
import type { Consumer, OffsetToCommit, OutgoingRecord, Producer, ProducerOptions } from '../../../broker.ts'
import { closedError } from '../../protocol/protocol-error.ts'
import { checkTimestamp, type DirectProducerOptions } from './idempotent-producer.ts'
import type { ProducerIdentity } from './outgoing-batch.ts'
import { RecordSender } from './record-sender.ts'
import { abortable, SendFailures, stateError } from './send-failures.ts'
import { TransactionCoordinator } from './transaction-coordinator.ts'
import type { TransactionControl } from './transaction-control.ts'

export interface TransactionalProducerOptions extends DirectProducerOptions {
  readonly onSendError: ProducerOptions['onSendError']
  readonly transactionalId: string
  readonly control: TransactionControl
}

/**
 * The producer of the direct path with transactions. The native client keeps the transaction, and records are
 * sent by the direct path under the producer id and epoch of the native client. The broker sees one producer,
 * so fencing, timeouts and markers work as usual.
 */
export class TransactionalProducer implements Producer {
  readonly #control: TransactionControl
  readonly #coordinator: TransactionCoordinator
  readonly #sender: RecordSender
  readonly #failures: SendFailures
  #identity: ProducerIdentity | undefined
  /** Whether `#identity` has to be asked for again: an abort may have changed it. */
  #isIdentityOld = true
  readonly copies = true
  #inTransaction = false
  /** Whether records are held for the next transaction. */
  #isAhead = false
  /** Whether the native client has added offsets, and so ends the transaction with all its partitions. */
  #hasOffsets = false
  /** Whether the coordinator has been told of the end. */
  #isEnded = false
  /** Whether a given-up batch may be in the log: then no next sequence number is right. */
  #hasUnknownOutcome = false
  #closing: Promise<void> | undefined

  constructor({ onSendError, transactionalId, control, ...options }: TransactionalProducerOptions) {
    const { clock, cluster, connect, notify } = options
    this.#control = control
    this.#failures = new SendFailures(onSendError)
    this.#coordinator = new TransactionCoordinator({
      clock,
      cluster,
      connect,
      transactionalId,
      timeoutMs: options.settings.deliveryTimeoutMs,
      notify,
      added: () => this.#sender.kick(),
      refused: (queue, error) => this.#sender.rejectQueue(queue, error),
      failed: error => this.#fail(error),
    })
    this.#sender = new RecordSender({
      ...options,
      transactionalId,
      isInTransaction: queue => this.#coordinator.isInTransaction(queue),
      addToTransaction: queue => this.#coordinator.addToTransaction(queue),
      reject: (error, record, isHeld) => this.#failures.reject(error, record, isHeld),
      sequenceError: error => this.#fail(error),
      givenUpWithUnknownOutcome: () => {
        this.#hasUnknownOutcome = true
      },
    })
  }

  send(record: OutgoingRecord): void {
    if (this.#closing) throw closedError('producer')
    checkTimestamp(record)
    if (!this.#inTransaction && !this.#isAhead)
      throw stateError('a record was sent outside of a transaction; call begin before')
    this.#sender.append(record)
  }

  get writable(): boolean {
    return this.#sender.writable
  }

  drained(): Promise<void> {
    return this.#sender.drained()
  }

  async flush(): Promise<void> {
    this.#assertOpen()
    await this.#sender.flush()
    // The failure stays until the abort, since the commit would lack the same record.
    if (this.#failures.first) throw this.#failures.first
  }

  async initTransactions(): Promise<void> {
    this.#assertOpen()
    await this.#control.init()
    await this.#learnIdentity()
  }

  async begin(): Promise<void> {
    this.#assertOpen()
    if (this.#isIdentityOld && this.#identity) await this.#learnIdentity()
    await this.#control.begin()
    this.#assertOpen()
    if (this.#identity) this.#coordinator.begin(this.#identity)
    this.#failures.begin()
    this.#sender.resume()
    this.#isAhead = false
    this.#sender.release()
    this.#hasOffsets = false
    this.#isEnded = false
    this.#inTransaction = true
  }

  sendAhead(): void {
    if (!this.#inTransaction || this.#isAhead) return
    this.#isAhead = true
    this.#sender.hold()
  }

  async sendOffsets(offsets: readonly OffsetToCommit[], consumer: Consumer): Promise<void> {
    this.#assertOpen()
    if (offsets.length === 0) return
    if (this.#failures.first) throw abortable(this.#failures.first)
    // The last records are sent while the offsets are added.
    this.#sender.pushOut()
    // The coordinator refuses one of two concurrent requests, and the native client's backoff is long.
    await this.#coordinator.settled()
    await this.#control.sendOffsets(offsets, consumer)
    this.#hasOffsets = true
  }

  async commitTransaction(): Promise<void> {
    this.#assertOpen()
    await this.#sender.flush()
    if (this.#failures.first) throw abortable(this.#failures.first)
    await this.#end('commit')
    await this.#control.commit()
    this.#inTransaction = false
  }

  async abortTransaction(): Promise<void> {
    this.#assertOpen()
    this.#isIdentityOld = true
    this.#isAhead = false
    this.#sender.halt()
    await this.#coordinator.stop()
    await this.#sender.idle()
    this.#assertOpen()
    if (this.#hasUnknownOutcome) throw this.#outcomeUnknownError()
    await this.#end('abort')
    await this.#control.abort()
    this.#failures.take()
    this.#inTransaction = false
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#sender.close(closedError('producer'))
    this.#coordinator.close()
    await this.#control.close()
  }

  async #learnIdentity(): Promise<void> {
    const { producerId, epoch } = await this.#control.identity()
    this.#isIdentityOld = false
    if (this.#identity?.producerId === producerId && this.#identity.epoch === epoch) return
    this.#identity = { producerId, epoch }
    this.#sender.forgetSequences()
    this.#sender.setIdentity(this.#identity)
  }

  /** Ends the transaction where the native client does not, because it has added nothing to it. */
  async #end(kind: 'commit' | 'abort'): Promise<void> {
    if (this.#isEnded || this.#hasOffsets || !this.#coordinator.mayHavePartitions) return
    await this.#coordinator.end(kind)
    this.#isEnded = true
  }

  /** Fails the transaction: it cannot be committed, and its records are dropped. */
  #fail(error: BrokerError): void {
    this.#failures.add(error)
    this.#sender.halt()
  }

  /**
   * The error where a batch may still be in flight. Written after an abort, it would open a transaction that
   * nobody ends. A new producer of the same id aborts with a new epoch, which refuses such a batch.
   */
  #outcomeUnknownError(): BrokerError {
    const message =
      'it is not known what has become of a batch of this transaction: only a new producer can end it'
    return new BrokerError('PRODUCE_OUTCOME_UNKNOWN', 'fenced', message, { cause: this.#failures.first })
  }

  #assertOpen(): void {
    if (this.#closing) throw closedError('producer')
  }
}
