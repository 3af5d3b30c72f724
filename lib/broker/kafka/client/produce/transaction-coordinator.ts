import type { Clock } from '../../../../common/clock.ts'
import { errorFrom } from '../../../../common/errors/errors.ts'
import { withTimeLimit } from '../../../../common/time-limit.ts'
import { BrokerError } from '../../../broker-error.ts'
import type { PartitionMap } from '../../protocol/partition-map.ts'
import type { ByteReader } from '../../protocol/byte-reader.ts'
import type { ByteWriter } from '../../protocol/byte-writer.ts'
import type { Cluster } from '../connection/cluster.ts'
import { readFindCoordinator, writeFindCoordinator } from '../connection/find-coordinator.ts'
import { openConnection, type ConnectOptions, type OpenConnection } from '../connection/open-connection.ts'
import { nameOf, placeOf, UNKNOWN } from '../connection/retriable-errors.ts'
import {
  ADD_PARTITIONS_TO_TXN,
  type Api,
  commonVersion,
  END_TXN,
  FIND_COORDINATOR,
} from '../../protocol/protocol.ts'
import { protocolError } from '../../protocol/protocol-error.ts'
import { SharedConnection } from '../connection/shared-connection.ts'
import type { ProducerIdentity } from './outgoing-batch.ts'
import type { SendQueue } from './send-queue.ts'
import {
  readAddPartitions,
  readEndTransaction,
  type TransactionOwner,
  writeAddPartitions,
  writeEndTransaction,
} from './transaction-requests.ts'

/** The error code while the last transaction is completed, which takes a few milliseconds. */
const CONCURRENT_TRANSACTIONS = 51
const RETRY_MS = 2
const RETRY_MS_MAX = 50
const LOST_RETRY_MS_MAX = 1_000

const INVALID_TXN_STATE = 48
const REQUEST_TIMED_OUT = 7
const TOPIC_AUTHORIZATION_FAILED = 29
/** The error code for a partition of a request that failed because of another one. */
const OPERATION_NOT_ATTEMPTED = 55
const COORDINATOR_MOVED: ReadonlySet<number> = new Set([14, 15, 16])
const UNKNOWN_ATTEMPTS = 20
const ADDING = 'adding partitions to a transaction'

export interface CoordinatorOptions {
  readonly clock: Clock
  readonly cluster: Cluster
  readonly connect: ConnectOptions
  readonly transactionalId: string
  /** How long ending and adding partitions are tried, before the call rejects as retriable. */
  readonly timeoutMs: number
  /** Logs a message. */
  readonly notify: (message: string) => void
  /** Partitions were added and may be written to. */
  added(): void
  refused(queue: SendQueue, error: BrokerError): void
  /** The transaction has failed and cannot be committed. */
  failed(error: BrokerError): void
}

/**
 * Requests to the coordinator of a transactional id for the records of the direct path: it adds partitions to
 * the transaction before they are written to, and ends the transaction where the native client, which knows
 * of no partition, would not.
 */
export class TransactionCoordinator {
  readonly #options: CoordinatorOptions
  #owner: TransactionOwner | undefined
  #transaction = 0
  readonly #pending = new Set<SendQueue>()
  #adding: Promise<void> | undefined
  #hasPartitions = false
  /** Whether a request to add partitions has no answer: they may have been added. */
  #isOutcomeUnknown = false
  #stopping = new AbortController()
  readonly #connection: SharedConnection
  #isClosed = false

  constructor(options: CoordinatorOptions) {
    this.#options = options
    this.#connection = new SharedConnection(options.clock, () => this.#connect())
  }

  begin(identity: ProducerIdentity): void {
    this.#owner = { ...identity, transactionalId: this.#options.transactionalId }
    this.#transaction += 1
    this.#pending.clear()
    this.#hasPartitions = false
    this.#isOutcomeUnknown = false
    this.#stopping = new AbortController()
  }

  isInTransaction(queue: SendQueue): boolean {
    return queue.addedTo === this.#transaction
  }

  /** To be called again when the partition has a leader; before, it may not exist and is not added. */
  addToTransaction(queue: SendQueue): void {
    this.#pending.add(queue)
    this.#adding ??= this.#addPending()
  }

  /** Whether partitions were added to the transaction, or may have been. */
  get mayHavePartitions(): boolean {
    return this.#hasPartitions || this.#isOutcomeUnknown
  }

  /**
   * Resolves when the pending partitions are added, or given up. Rejects with class `retriable` after the
   * timeout.
   */
  async settled(): Promise<void> {
    const { clock, timeoutMs } = this.#options
    const deadlineMs = clock.monotonicMs() + timeoutMs
    while (this.#isWaiting() && !this.#stopping.signal.aborted) {
      if (clock.monotonicMs() > deadlineMs) throw noAnswerError(ADDING)
      await clock.sleep(RETRY_MS, this.#stopping.signal)
    }
  }

  /**
   * Stops adding partitions. Resolves when the request in flight is answered or lost. Rejects with class
   * `retriable` after the timeout.
   */
  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#pending.clear()
    if (this.#adding) await this.#within(this.#options.timeoutMs, this.#adding, ADDING)
  }

  /** Ends the transaction. Rejects with class `retriable` where the outcome is unknown: call it again. */
  async end(kind: 'commit' | 'abort'): Promise<void> {
    const doing = `${kind === 'commit' ? 'committing' : 'aborting'} a transaction`
    const { clock, timeoutMs } = this.#options
    const deadlineMs = clock.monotonicMs() + timeoutMs
    for (let attempt = 0; ; attempt += 1) {
      const leftMs = deadlineMs - clock.monotonicMs()
      const error = await this.#within(leftMs, this.#tryToEnd(kind, doing), doing)
      if (!error) return
      if (error.class !== 'retriable' || clock.monotonicMs() > deadlineMs || this.#isClosed) throw error
      await clock.sleep(retryMs(attempt, RETRY_MS_MAX))
    }
  }

  close(): void {
    this.#isClosed = true
    this.#stopping.abort()
    this.#pending.clear()
    this.#connection.close()
  }

  /** Limits the time of a request, of finding the coordinator and of connecting to it. */
  #within<T>(limitMs: number, work: Promise<T>, doing: string): Promise<T> {
    const late = () => {
      this.#connection.drop()
      throw noAnswerError(doing)
    }
    return withTimeLimit(this.#options.clock, { limitMs, late }, work)
  }

  async #tryToEnd(kind: 'commit' | 'abort', doing: string): Promise<BrokerError | undefined> {
    try {
      const owner = this.#owner!
      const code = await this.#ask(
        END_TXN,
        writer => writeEndTransaction(writer, owner, kind === 'commit'),
        readEndTransaction,
      )
      if (code === 0) return undefined
      // The coordinator has no transaction where none of the partitions was added.
      if (code === INVALID_TXN_STATE && kind === 'abort' && !this.#hasPartitions) return undefined
      if (COORDINATOR_MOVED.has(code)) this.#connection.drop()
      return protocolError(code, doing)
    } catch (reason) {
      return lostError(reason, doing)
    }
  }

  #isWaiting(): boolean {
    for (const queue of this.#pending) if (!queue.isEmpty) return true
    return false
  }

  async #addPending(): Promise<void> {
    // One request adds all partitions of this turn of the event loop.
    await Promise.resolve()
    const { signal } = this.#stopping
    let failures = 0
    try {
      while (!signal.aborted) {
        const queues = [...this.#pending].filter(queue => !queue.isEmpty && queue.leader !== undefined)
        if (queues.length === 0) return
        const codes = await this.#tryToAdd(queues)
        // An abort has to know of added partitions, also when it has stopped waiting for them.
        if (codes?.values().includes(0)) this.#hasPartitions = true
        if (signal.aborted) return
        if (codes && this.#learn(queues, codes, failures)) failures = 0
        else {
          const waitMs = codes ? retryMs(failures, RETRY_MS_MAX) : retryMs(failures + 4, LOST_RETRY_MS_MAX)
          failures += 1
          await this.#options.clock.sleep(waitMs, signal)
        }
      }
    } finally {
      // In the same microtask as the last look at the pending partitions, so that a later one begins anew.
      this.#adding = undefined
    }
  }

  async #tryToAdd(queues: readonly SendQueue[]): Promise<PartitionMap<number> | undefined> {
    const owner = this.#owner!
    const wasOutcomeUnknown = this.#isOutcomeUnknown
    this.#isOutcomeUnknown = true
    try {
      const codes = await this.#ask(
        ADD_PARTITIONS_TO_TXN,
        writer => writeAddPartitions(writer, owner, queues),
        readAddPartitions,
      )
      this.#isOutcomeUnknown = wasOutcomeUnknown
      return codes
    } catch (reason) {
      const error = lostError(reason, ADDING)
      if (error.class === 'retriable') this.#options.notify(error.message)
      else this.#fail(error)
      return undefined
    }
  }

  /** Reads the answer for each queue. True where a partition was added. */
  #learn(queues: readonly SendQueue[], codes: PartitionMap<number>, failures: number): boolean {
    let isAnyIn = false
    for (const queue of queues) {
      const code = codes.get(queue.topic, queue.partition) ?? OPERATION_NOT_ATTEMPTED
      if (code === 0) {
        queue.addedTo = this.#transaction
        this.#pending.delete(queue)
        isAnyIn = true
      } else this.#notAdded(queue, code, failures)
    }
    if (isAnyIn) this.#options.added()
    return isAnyIn
  }

  #notAdded(queue: SendQueue, code: number, failures: number): void {
    if (code === CONCURRENT_TRANSACTIONS || code === OPERATION_NOT_ATTEMPTED) return
    if (COORDINATOR_MOVED.has(code)) return this.#connection.drop()
    const doing = `adding ${nameOf(queue)} to a transaction`
    const error = protocolError(code, doing, [placeOf(queue)])
    if (UNKNOWN.has(code) && failures < UNKNOWN_ATTEMPTS) return
    if (UNKNOWN.has(code) || code === TOPIC_AUTHORIZATION_FAILED) {
      this.#pending.delete(queue)
      this.#options.refused(queue, error)
    } else if (error.class !== 'retriable') this.#fail(error)
  }

  #fail(error: BrokerError): void {
    this.#pending.clear()
    this.#options.failed(error)
  }

  async #ask<T>(api: Api, write: (writer: ByteWriter) => void, read: (reader: ByteReader) => T): Promise<T> {
    const { connection, versions } = await this.#connection.get()
    try {
      const version = commonVersion(api, versions, connection.address)
      const { controlTimeoutMs } = this.#options.connect.settings
      return read(await connection.request(api, version, controlTimeoutMs, write))
    } catch (reason) {
      this.#connection.drop()
      throw reason
    }
  }

  async #connect(): Promise<OpenConnection> {
    const { cluster, connect, transactionalId } = this.#options
    const { errorCode, message, address } = await cluster.ask(
      FIND_COORDINATOR,
      writer => writeFindCoordinator(writer, transactionalId, 'transaction'),
      readFindCoordinator,
    )
    if (errorCode !== 0) {
      throw protocolError(errorCode, 'looking for the coordinator of a transaction', [], message ?? undefined)
    }
    return openConnection(address, connect)
  }
}

function noAnswerError(doing: string): BrokerError {
  return protocolError(REQUEST_TIMED_OUT, doing, [], 'no coordinator answers')
}

/** The error for a request without a valid answer. It is retriable, since the outcome is unknown. */
function lostError(reason: unknown, doing: string): BrokerError {
  if (reason instanceof BrokerError && reason.code !== 'CORRUPT_MESSAGE') return reason
  const cause = errorFrom(reason)
  return new BrokerError('BROKER_UNREACHABLE', 'retriable', `${cause.message} while ${doing}`, { cause })
}

function retryMs(attempt: number, max: number): number {
  return Math.min(max, RETRY_MS * 2 ** Math.min(attempt, 10))
}
