import type { Clock } from '../../../common/clock.ts'
import { BrokerError } from '../../broker-error.ts'
import type {
  Consumer,
  OffsetToCommit,
  OutgoingRecord,
  Producer,
  ProducerOptions,
  RejectedRecord,
} from '../../broker.ts'
import { brokerErrorFrom, isNativeError } from './classify-error.ts'
import { SOCKET_TIMEOUT_MS, type ClientProperties } from '../settings/client-settings.ts'
import { closedError } from '../protocol/protocol-error.ts'
import { asBrokerError } from './native-call.ts'
import { NativeCalls } from './native-calls.ts'
import type { NativeSettings } from '../settings/client-settings.ts'
import type { DeliveryReport, NativeError, NativeProducer } from './native-client.ts'
import { NativeTransactions } from './native-transactions.ts'
import { OverflowQueue } from './overflow-queue.ts'
import { producerTimeouts } from '../settings/producer-timeouts.ts'
import { abortable, SendFailures, stateError } from '../client/produce/send-failures.ts'
import { outgoingBytes, outgoingHeaders } from './record-headers.ts'

/** The limit of librdkafka's unacknowledged records. Its default of 1 GiB is more than a process may use. */
const QUEUED_KBYTES_MAX = 32 * 1024
const QUEUED_RECORDS_MAX = 500_000
/** How long a connection may be idle before it is closed. */
const IDLE_MS = 5_000
/** The longest blocking native call: it holds a thread of libuv's pool, so longer waits are several calls. */
const SLICE_MS = 1_000
/** The default of `transactionTimeoutMs`. */
export const TRANSACTION_TIMEOUT_MS = 10_000
/** The lowest transaction timeout that the native client accepts. */
const TRANSACTION_TIMEOUT_MS_MIN = 1_000
const SOCKET_TIMEOUT_MS_MIN = 10

const QUEUE_FULL = -184
/**
 * Codes for an unknown topic or partition, of `produce` where the client knows, or else of delivery reports.
 */
const UNKNOWN_PLACE: ReadonlySet<number> = new Set([-188, -190, 3])
const PURGED: ReadonlySet<number> = new Set([-151, -152])
const INVALID_STATE = -172

/** Throws a `ConfigError` where the client's settings contradict each other or the transaction's timeout. */
export function producerSettings(options: ProducerOptions, client: ClientProperties): NativeSettings {
  const { transactionalId, transactionTimeoutMs = TRANSACTION_TIMEOUT_MS } = options
  const isTransactional = transactionalId !== undefined
  const timeoutMs = Math.max(transactionTimeoutMs, TRANSACTION_TIMEOUT_MS_MIN)
  const { deliveryTimeoutMs } = producerTimeouts(client, isTransactional ? timeoutMs : undefined)
  return {
    'enable.idempotence': true,
    'queue.buffering.max.kbytes': QUEUED_KBYTES_MAX,
    'queue.buffering.max.messages': QUEUED_RECORDS_MAX,
    // How long records for an unknown topic are kept: `createTopics` has waited for leaders already.
    'topic.metadata.propagation.max.ms': 5_000,
    // A report for every record would cost three quarters of the throughput; refusals are all we need.
    dr_cb: true,
    'delivery.report.only.error': true,
    'message.timeout.ms': deliveryTimeoutMs === Infinity ? 0 : deliveryTimeoutMs,
    'socket.timeout.ms': client['socket.timeout.ms'] ?? socketTimeoutMs(deliveryTimeoutMs),
    ...(isTransactional
      ? {
          'transactional.id': transactionalId,
          'transaction.timeout.ms': timeoutMs,
          // A request for a group's coordinator that has died is looked at again when a connection comes or
          // goes, and never else (librdkafka 2.15.1, rd_kafka_coord_req_fsm): once the cluster has forgotten
          // that node, adding offsets would never return, whatever time it was given.
          'connections.max.idle.ms': IDLE_MS,
        }
      : undefined),
  }
}

/** A socket timeout below the delivery timeout, as the native client demands of a transactional producer. */
function socketTimeoutMs(deliveryTimeoutMs: number): number {
  return Math.min(SOCKET_TIMEOUT_MS, Math.max(SOCKET_TIMEOUT_MS_MIN, deliveryTimeoutMs - 100))
}

/**
 * The producer of the native path. Records go into librdkafka's queue, whose limit decides `writable`: a
 * record that does not fit waits in `OverflowQueue` until it does.
 *
 * A timestamp of 0 is sent as 1: librdkafka takes 0 for "now", which would move the record by half a century.
 */
export class LibrdkafkaProducer implements Producer {
  readonly #native: NativeProducer
  readonly #clock: Clock
  readonly #transactional: boolean
  readonly #calls: NativeCalls
  readonly #transactions: NativeTransactions
  readonly #failures: SendFailures
  readonly #overflow: OverflowQueue
  #inTransaction = false
  #closing: Promise<void> | undefined

  constructor(native: NativeProducer, clock: Clock, options: ProducerOptions) {
    this.#native = native
    this.#clock = clock
    this.#transactional = options.transactionalId !== undefined
    this.#calls = new NativeCalls(clock)
    this.#transactions = new NativeTransactions({
      native,
      clock,
      calls: this.#calls,
      transactionTimeoutMs: options.transactionTimeoutMs,
    })
    this.#failures = new SendFailures(options.onSendError)
    this.#overflow = new OverflowQueue(clock, record => this.#offerLater(record))
    native.on('delivery-report', (error, report) => {
      if (error) this.#reported(error, report)
    })
  }

  send(record: OutgoingRecord): void {
    this.#assertOpen()
    if (record.timestamp < 0) {
      throw new TypeError(
        `a record for ${record.topic} has the timestamp ${record.timestamp}; it must not be negative`,
      )
    }
    if (this.#transactional && !this.#inTransaction) {
      throw stateError('a record was sent outside of a transaction; call begin before')
    }
    // A record goes behind those that wait, so that a partition keeps its order.
    if (!this.#overflow.empty || !this.#offer(record)) this.#overflow.add(record)
  }

  get writable(): boolean {
    return this.#overflow.empty
  }

  drained(): Promise<void> {
    return this.#overflow.emptied()
  }

  async flush(): Promise<void> {
    this.#assertOpen()
    await this.#overflow.emptied()
    await this.#flushNative()
    // In a transaction the failure stays until the abort, since the commit would lack the same record.
    const failure = this.#transactional ? this.#failures.first : this.#failures.take()
    if (failure) throw failure
  }

  async initTransactions(): Promise<void> {
    if (!this.#transactional) throw stateError('the producer has no transactionalId')
    this.#assertOpen()
    await this.#transactions.init()
  }

  async begin(): Promise<void> {
    this.#assertOpen()
    await this.#transactions.begin()
    this.#failures.take()
    this.#inTransaction = true
  }

  async sendOffsets(offsets: readonly OffsetToCommit[], consumer: Consumer): Promise<void> {
    if (offsets.length > 0) await this.#transactions.sendOffsets(offsets, consumer)
  }

  async commitTransaction(): Promise<void> {
    this.#assertOpen()
    await this.#overflow.emptied()
    // The native client would commit without the records that it did not take.
    if (this.#failures.first) throw abortable(this.#failures.first)
    this.#assertOpen()
    try {
      await this.#transactions.commit()
    } catch (reason) {
      // After a refused record the commit fails with a consequence, such as a gap in the sequence. The cause
      // is in the delivery report.
      await this.#reportsDelivered()
      throw this.#failures.first ? abortable(this.#failures.first) : reason
    }
    this.#inTransaction = false
  }

  async abortTransaction(): Promise<void> {
    this.#overflow.clear()
    this.#assertOpen()
    await this.#transactions.abort()
    // Reports of the records that the abort has purged are delivered after it.
    await this.#reportsDelivered()
    this.#failures.take()
    this.#inTransaction = false
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  #close(): Promise<void> {
    this.#overflow.clear()
    this.#transactions.close()
    return this.#calls.whenOver(
      () => new Promise<void>(resolve => this.#native.disconnect(0, () => resolve())),
    )
  }

  /**
   * Gives a record to the native client. False where its queue is full. An error is reported as a refused
   * record, apart from those that `send` has to throw.
   */
  #offer(record: OutgoingRecord): boolean {
    const { topic, partition, key, value, timestamp, headers } = record
    try {
      this.#native.produce(
        topic,
        partition,
        outgoingBytes(value),
        outgoingBytes(key),
        timestamp === 0 ? 1 : timestamp,
        undefined,
        outgoingHeaders(headers),
      )
      return true
    } catch (reason) {
      if (isNativeError(reason) && reason.code === QUEUE_FULL) return false
      this.#refusedAtOnce(reason, record)
      return true
    }
  }

  #refusedAtOnce(reason: unknown, record: OutgoingRecord): void {
    const doing = `sending a record to ${record.topic}-${record.partition}`
    if (!isNativeError(reason)) throw asBrokerError(reason, doing)
    if (UNKNOWN_PLACE.has(reason.code))
      this.#reject(brokerErrorFrom(reason, doing, [record]), rejected(record))
    // The transaction has failed before, perhaps by a record whose delivery report has come.
    else if (reason.code === INVALID_STATE && this.#failures.first) throw abortable(this.#failures.first)
    else throw brokerErrorFrom(reason, doing, [record])
  }

  /**
   * Offers a record of the overflow queue. Its `send` has returned, so an error fails the next flush or
   * commit.
   */
  #offerLater(record: OutgoingRecord): boolean {
    try {
      return this.#offer(record)
    } catch (reason) {
      this.#reject(asBrokerError(reason, `sending a record to ${record.topic}`), rejected(record))
      return true
    }
  }

  #reported(error: NativeError, report: DeliveryReport): void {
    // An abort or a close has dropped the record, which nobody has refused.
    if (PURGED.has(error.code)) return
    const { topic, partition } = report
    this.#reject(
      brokerErrorFrom(error, `sending a record to ${topic}-${partition}`, [{ topic, partition }]),
      { ...report, valueBytes: report.size },
    )
  }

  #reject(error: BrokerError, { topic, partition, key, timestamp, valueBytes }: RejectedRecord): void {
    this.#failures.reject(error, { topic, partition, key, timestamp, valueBytes })
  }

  async #flushNative(): Promise<void> {
    for (;;) {
      try {
        await this.#calls.run('flushing', SLICE_MS, callback => this.#native.flush(SLICE_MS, callback))
        return await this.#reportsDelivered()
      } catch (reason) {
        // A flush that timed out is repeated, since its records end by their own timeout. A closed client
        // would time out for ever.
        if (this.#closing || !(reason instanceof BrokerError) || reason.class !== 'retriable') throw reason
      }
    }
  }

  /** Waits for the delivery reports of a flush, which arrive up to one turn of the event loop after it. */
  async #reportsDelivered(): Promise<void> {
    await this.#clock.nextTurn()
    await this.#clock.nextTurn()
  }

  #assertOpen(): void {
    if (this.#closing) throw closedError('producer')
  }
}

function rejected({ topic, partition, key, value, timestamp }: OutgoingRecord): RejectedRecord {
  return { topic, partition, key, timestamp, valueBytes: value?.length ?? 0 }
}
