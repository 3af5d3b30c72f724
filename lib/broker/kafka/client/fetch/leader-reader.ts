import { errorFrom } from '../../../../common/errors/errors.ts'
import type { Clock } from '../../../../common/clock.ts'
import { BrokerError } from '../../../broker-error.ts'
import type { IsolationLevel } from '../../../broker.ts'
import type { Cluster } from '../connection/cluster.ts'
import type { FetchQueue } from './fetch-queue.ts'
import type { FetchSettings } from './fetch-settings.ts'
import { writeFetchRequest, type FetchTarget } from './fetch-request.ts'
import { readFetchResponse, type FetchResponse } from './fetch-response.ts'
import { MalformedError } from '../../protocol/malformed-error.ts'
import { NodeConnection } from '../connection/node-connection.ts'
import type { ConnectOptions, OpenConnection } from '../connection/open-connection.ts'
import { commonVersion, FETCH } from '../../protocol/protocol.ts'
import { malformedError } from '../../protocol/protocol-error.ts'

/**
 * While a partition is full its neighbours are asked for with this short wait, so that it is asked for soon
 * after it was emptied.
 */
const SHORT_WAIT_MS = 5

/**
 * A queue that was asked for, and what exactly was asked: the queue may have moved on when the answer comes.
 */
export interface Asked {
  readonly queue: FetchQueue
  readonly target: FetchTarget
}

/** What a reader does for, and tells, the fetcher that it belongs to. */
export interface LeaderReaderOptions {
  readonly clock: Clock
  readonly cluster: Cluster
  readonly connect: ConnectOptions
  readonly settings: FetchSettings
  readonly isolation: IsolationLevel
  /** How many bytes more a queue has room for; 0 where it is not to be asked for. */
  roomOf(queue: FetchQueue): number
  responseBytesMax(): number
  /** The answer for the queues that were asked for. `buffer` holds the records. */
  received(asked: readonly Asked[], response: FetchResponse, buffer: Buffer): void
  /** The connection is gone, or could not be made; it is tried again later. */
  lost(error: BrokerError): void
  /** What trying again does not mend. */
  failed(queues: readonly FetchQueue[], error: BrokerError): void
}

/**
 * Reads the partitions that one node leads: one connection, and on it one request at a time, so that answers
 * come in order and the next one travels while the last is decoded. Back-pressure is not asking.
 */
export class LeaderReader {
  readonly node: number
  readonly queues = new Set<FetchQueue>()
  readonly #around: LeaderReaderOptions
  readonly #connection: NodeConnection
  #running = false
  /** The queue that comes first in the next request, since the first alone is sure of a batch. */
  #turn = 0

  constructor(node: number, around: LeaderReaderOptions) {
    this.node = node
    this.#around = around
    this.#connection = new NodeConnection(node, around.cluster, around.connect)
  }

  /** To be called when there may be something to ask for. */
  kick(): void {
    if (this.#running || this.#connection.isClosed || !this.#hasWork()) return
    this.#running = true
    void this.#run()
  }

  close(): void {
    this.#connection.close()
  }

  async #run(): Promise<void> {
    const connection = this.#connection
    try {
      while (!connection.isClosed && this.#hasWork())
        await connection.attempt(
          open => this.#fetch(open),
          reason => this.#judge(reason),
        )
    } finally {
      // In the same turn as the look at the work: a kick that comes now is not in vain.
      this.#running = false
    }
  }

  #hasWork(): boolean {
    for (const queue of this.queues) if (this.#around.roomOf(queue) > 0) return true
    return false
  }

  async #fetch({ connection, versions }: OpenConnection): Promise<void> {
    const around = this.#around
    const queues = this.#choose()
    if (queues.length === 0) return
    const { settings, connect } = around
    const best = commonVersion(FETCH, versions, connection.address)
    // The id of a topic may be missing where brokers of different age answer.
    const version = queues.every(queue => queue.topicId !== undefined) ? best : FETCH.versions.at(-1)!
    const waitMs = this.#leavesOut(queues) ? Math.min(SHORT_WAIT_MS, settings.waitMs) : settings.waitMs
    const { bytesMin } = settings
    const asked = queues.map(queue => ({ queue, target: targetOf(queue, around.roomOf(queue)) }))
    const targets = asked.map(({ target }) => target)
    const bytesMax = around.responseBytesMax()
    const { isolation } = around
    const reader = await connection.request(
      FETCH,
      version,
      connect.settings.requestTimeoutMs + waitMs,
      writer => writeFetchRequest(writer, version, { isolation, waitMs, bytesMin, bytesMax, targets }),
    )
    try {
      around.received(asked, readFetchResponse(reader, version), reader.buffer)
    } catch (reason) {
      if (!(reason instanceof MalformedError)) throw reason
      throw this.#malformed(queues, reason)
    }
  }

  /** The nearest to the front gets its share first; the front moves on with each request. */
  #choose(): FetchQueue[] {
    const wanted = [...this.queues].filter(queue => this.#around.roomOf(queue) > 0)
    if (wanted.length === 0) return wanted
    this.#turn = (this.#turn + 1) % wanted.length
    return [...wanted.slice(this.#turn), ...wanted.slice(0, this.#turn)]
  }

  #leavesOut(asked: readonly FetchQueue[]): boolean {
    let reading = 0
    for (const { paused, failure } of this.queues) if (!paused && !failure) reading += 1
    return reading > asked.length
  }

  #malformed(asked: readonly FetchQueue[], reason: MalformedError): BrokerError {
    const places = asked.map(
      ({ topic, partition, fetchedTo }) => `${topic}-${partition} at offset ${fetchedTo}`,
    )
    const message = `an answer about ${places.join(', ')} makes no sense: ${reason.message}`
    return malformedError(
      message,
      reason,
      asked.map(({ topic, partition }) => ({ topic, partition })),
    )
  }

  #judge(reason: unknown): void {
    const error =
      reason instanceof BrokerError
        ? reason
        : new BrokerError('FETCH_FAILED', 'fatal', `reading failed: ${errorFrom(reason).message}`, {
            cause: reason,
          })
    if (error.class === 'retriable') return this.#around.lost(error)
    const concerned = [...this.queues].filter(queue => !queue.paused && !queue.failure)
    this.#around.failed(concerned, error)
  }
}

function targetOf(queue: FetchQueue, bytesMax: number): FetchTarget {
  const { topic, topicId, partition, fetchedTo, leaderEpoch, lastEpoch } = queue
  return { topic, topicId, partition, offset: fetchedTo, leaderEpoch, lastEpoch, bytesMax }
}
