import { errorFrom } from '../../common/errors/errors.ts'
import type { Consumer, OffsetToCommit, OutgoingRecord, Producer, ProducerOptions } from '../broker.ts'
import { BrokerError } from '../broker-error.ts'
import type { BrokerState } from './state/broker-state.ts'
import { EmbeddedConsumer } from './embedded-consumer.ts'
import { endTransaction } from './requests/end-transaction.ts'
import { clientClosed, invalidTransactionState } from './state/errors.ts'
import { initProducer } from './requests/init-producer.ts'
import type { Interception } from './state/interceptions.ts'
import { type ProduceBatch, produce } from './requests/produce.ts'
import { type PartitionBuffer, SendBuffer } from './send-buffer.ts'
import { addTransactionOffsets } from './requests/transaction-offsets.ts'
import type { Outcome, TransactionState } from './state/transaction-state.ts'

const TRANSACTION_TIMEOUT_MS = 10_000
/** What may be on its way to the disk before `writable` becomes false, over all producers of the broker. */
const OUTSTANDING_BYTES_MAX = 8 * 1024 * 1024
const RETRY_MS = 10
/** With `RETRY_MS`, a delivery is given up after a second. */
const ATTEMPTS_MAX = 100

/**
 * Collects records and hands them to the broker when a partition's share is large, at a flush or commit, and
 * at latest in the next turn. Bytes are copied as they come, since the sender may reuse them after the flush,
 * and since a small slice would keep the large buffer it was cut from. Without an interceptor a batch is one
 * plain call; with one, batches go one after another and are sent again after a retriable error, as a client
 * does.
 */
export class EmbeddedProducer implements Producer {
  readonly #state: BrokerState
  readonly #options: ProducerOptions
  readonly #buffer: SendBuffer
  #registration: { readonly transaction: TransactionState; readonly epoch: number } | undefined
  #inTransaction = false
  /** A commit or an abort is under way: a record sent now would fall into no transaction. */
  #ending = false
  /** Something of this transaction has reached the broker, or may have. */
  #enlisted = false
  #refusal: BrokerError | undefined
  #fatal: BrokerError | undefined
  #handOverScheduled = false
  /** With an interceptor: the batches under way, one after another. */
  #deliveries: Promise<void> | undefined
  #closed = false

  constructor(state: BrokerState, options: ProducerOptions) {
    this.#state = state
    this.#options = options
    this.#buffer = new SendBuffer(state)
  }

  send(record: OutgoingRecord): void {
    if (this.#closed || this.#state.closed) throw clientClosed('producer')
    if (this.#options.transactionalId !== undefined && (!this.#inTransaction || this.#ending))
      throw outside('send')
    let full: PartitionBuffer | undefined
    try {
      full = this.#buffer.add(record)
    } catch (error) {
      return this.#refuseRecord(error, record)
    }
    if (full) this.#handOver(full)
    else if (!this.#handOverScheduled) this.#scheduleHandOver()
  }

  get writable(): boolean {
    return this.#buffer.bytes + (this.#state.journal?.pendingBytes ?? 0) < OUTSTANDING_BYTES_MAX
  }

  async drained(): Promise<void> {
    while (!this.writable) {
      this.#handOverAll()
      await this.#deliveries
      await this.#state.settled()
    }
  }

  async flush(): Promise<void> {
    this.#assertUsable()
    await this.#deliverAll()
    this.#assertUsable()
    const refusal = this.#refusal
    // Inside a transaction the refusal stands until the abort.
    if (!this.#inTransaction) this.#refusal = undefined
    if (refusal) throw refusal
    await this.#state.settled()
  }

  async initTransactions(): Promise<void> {
    this.#assertUsable()
    const { transactionalId, transactionTimeoutMs = TRANSACTION_TIMEOUT_MS } = this.#options
    if (transactionalId === undefined) throw invalidTransactionState('this producer has no `transactionalId`')
    const act = () => initProducer(this.#state, transactionalId, transactionTimeoutMs)
    this.#registration = await this.#ask({ operation: 'init-producer' }, act)
  }

  async begin(): Promise<void> {
    this.#assertUsable()
    if (!this.#registration) throw invalidTransactionState('call `initTransactions` before `begin`')
    if (this.#inTransaction)
      throw invalidTransactionState('a transaction is open already; commit or abort it')
    this.#inTransaction = true
    this.#enlisted = false
    await this.#registration.transaction.completion
  }

  async sendOffsets(offsets: readonly OffsetToCommit[], consumer: Consumer): Promise<void> {
    const registration = this.#requireTransaction('sendOffsets')
    if (!(consumer instanceof EmbeddedConsumer)) {
      throw new TypeError('sendOffsets needs a consumer of an embedded broker')
    }
    const membership = consumer.membership()
    await this.#ask({ operation: 'transaction-offsets', groupId: membership.groupId }, () => {
      this.#enlisted = true
      return addTransactionOffsets(this.#state, registration, membership, offsets)
    })
  }

  async commitTransaction(): Promise<void> {
    this.#requireTransaction('commitTransaction')
    await this.#whileEnding(async () => {
      await this.#deliverAll()
      this.#assertUsable()
      if (this.#refusal) throw abortable(this.#refusal)
      await this.#end('commit')
    })
  }

  async abortTransaction(): Promise<void> {
    this.#requireTransaction('abortTransaction')
    this.#buffer.clear()
    await this.#whileEnding(async () => {
      await this.#deliveries
      this.#assertUsable()
      await this.#end('abort')
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#buffer.clear()
  }

  async #whileEnding(steps: () => Promise<void>): Promise<void> {
    this.#ending = true
    try {
      await steps()
    } finally {
      this.#ending = false
    }
  }

  /** A failure leaves the transaction open here, so that the same call can be made again. */
  async #end(outcome: Outcome): Promise<void> {
    const { transaction, epoch } = this.#requireTransaction(outcome)
    if (this.#enlisted) {
      await this.#ask({ operation: 'end-transaction', outcome }, () =>
        endTransaction(this.#state, transaction, epoch, outcome),
      )
      await this.#state.settled()
    }
    this.#inTransaction = false
    this.#refusal = undefined
  }

  /** One request through the interception point. */
  async #ask<T>(request: Pick<Interception, 'operation' | 'groupId' | 'outcome'>, act: () => T | Promise<T>) {
    const { clientId, transactionalId } = this.#options
    const operation = { ...request, clientId, ...(transactionalId === undefined ? {} : { transactionalId }) }
    try {
      return await this.#state.interceptions.run(operation, act)
    } catch (error) {
      throw this.#noteFatal(error)
    }
  }

  /** Records must not lie here because nobody flushes: they go in the next turn. */
  #scheduleHandOver(): void {
    this.#handOverScheduled = true
    void this.#state.clock.nextTurn().then(() => {
      this.#handOverScheduled = false
      if (!this.#closed && !this.#state.closed) this.#handOverAll()
    })
  }

  #handOverAll(): void {
    for (const buffer of this.#buffer.filled()) this.#handOver(buffer)
  }

  async #deliverAll(): Promise<void> {
    this.#handOverAll()
    await this.#deliveries
  }

  #handOver(buffer: PartitionBuffer): void {
    const { log } = buffer
    const records = this.#buffer.take(buffer)
    const { transaction, epoch = 0 } = this.#registration ?? {}
    const batch: ProduceBatch = { log, records, transaction, epoch, appended: false }
    if (this.#state.interceptions.active) {
      this.#deliveries = (this.#deliveries ?? Promise.resolve()).then(() => this.#deliver(batch))
      return
    }
    try {
      this.#carryOut(batch)
    } catch (error) {
      this.#refuseBatch(error, batch)
    }
  }

  /** The batch is the same object in every attempt: `produce` appends it once, however often it comes. */
  async #deliver(batch: ProduceBatch): Promise<void> {
    const { clientId, transactionalId } = this.#options
    const { topic, partition } = batch.log
    const id = transactionalId === undefined ? {} : { transactionalId }
    const operation = { operation: 'produce', clientId, topic, partition, ...id } as const
    for (let attempt = 1; !this.#closed; attempt++) {
      try {
        return await this.#state.interceptions.run(operation, () => this.#carryOut(batch))
      } catch (error) {
        const again = error instanceof BrokerError && error.class === 'retriable' && attempt < ATTEMPTS_MAX
        if (!again || batch.log.deleted) return this.#refuseBatch(error, batch)
        await this.#state.clock.sleep(RETRY_MS)
      }
    }
  }

  #carryOut(batch: ProduceBatch): void {
    this.#enlisted = true
    produce(this.#state, batch)
  }

  #refuseBatch(error: unknown, batch: ProduceBatch): void {
    const { topic, partition } = batch.log
    for (const { key, value, timestamp } of batch.records)
      this.#refuse(this.#noteFatal(error), { topic, partition, key, value, timestamp })
  }

  /**
   * A record that is too large, or that has no key for a compacted topic, is the caller's to hear of at once.
   */
  #refuseRecord(error: unknown, record: OutgoingRecord): void {
    if (!(error instanceof BrokerError) || error.code !== 'UNKNOWN_TOPIC_OR_PARTITION') throw error
    this.#refuse(error, record)
  }

  #refuse(
    error: BrokerError,
    {
      topic,
      partition,
      key,
      value,
      timestamp,
    }: Pick<OutgoingRecord, 'topic' | 'partition' | 'key' | 'value' | 'timestamp'>,
  ): void {
    const rejected = { topic, partition, key, timestamp, valueBytes: value?.length ?? 0 }
    const answer = this.#options.onSendError?.(error, rejected) ?? 'fail'
    if (answer === 'fail') this.#refusal ??= error
  }

  /** A fenced producer is finished: every later call says so. */
  #noteFatal(reason: unknown): BrokerError {
    const error =
      reason instanceof BrokerError
        ? reason
        : new BrokerError('UNKNOWN_SERVER_ERROR', 'fatal', errorFrom(reason).message, { cause: reason })
    if (error.class === 'fenced') this.#fatal = error
    return error
  }

  #requireTransaction(call: string): { readonly transaction: TransactionState; readonly epoch: number } {
    this.#assertUsable()
    if (!this.#registration || !this.#inTransaction) throw outside(call)
    return this.#registration
  }

  #assertUsable(): void {
    if (this.#closed || this.#state.closed) throw clientClosed('producer')
    if (this.#fatal) throw this.#fatal
  }
}

function outside(call: string): BrokerError {
  return invalidTransactionState(`${call} outside of a transaction; call \`begin\` before`)
}

/** What passes is cured by an abort; what was refused for good is not. */
function abortable(refusal: BrokerError): BrokerError {
  if (refusal.class !== 'retriable') return refusal
  const message = `the transaction cannot be committed, a record was refused: ${refusal.message}`
  return new BrokerError(refusal.code, 'abortable', message, {
    cause: refusal,
    partitions: refusal.partitions,
  })
}
