import { errorFrom } from '../../../../common/errors/errors.ts'
import { BrokerError } from '../../../broker-error.ts'
import type { IsolationLevel } from '../../../broker.ts'
import type { FetchQueue } from './fetch-queue.ts'
import type { FetchSettings } from './fetch-settings.ts'
import { writeFetchRequest, type FetchTarget } from './fetch-request.ts'
import { readFetchResponse, type FetchResponse } from './fetch-response.ts'
import { MalformedError } from '../../protocol/malformed-error.ts'
import type { LeaderClient } from '../connection/leaders.ts'
import { LeaderLoop, type LeaderConnectionOptions } from '../connection/leader-loop.ts'
import type { OpenConnection } from '../connection/open-connection.ts'
import { commonVersion, FETCH } from '../../protocol/protocol.ts'
import { malformedError } from '../../protocol/protocol-error.ts'

/**
 * The broker's wait for records while a queue of the reader is full: the queue is not part of that request,
 * and has to be in one soon after it was emptied.
 */
const SHORT_WAIT_MS = 5

/** A queue that was asked for, and the request: the queue may have changed when the response comes. */
export interface AskedQueue {
  readonly queue: FetchQueue
  readonly target: FetchTarget
}

/** Settings of a reader, and calls to the fetcher that owns it. */
export interface LeaderReaderOptions extends LeaderConnectionOptions {
  readonly settings: FetchSettings
  readonly isolation: IsolationLevel
  /** How many bytes to ask for; 0 where the queue is full, or not to be read. */
  roomOf(queue: FetchQueue): number
  responseBytesMax(): number
  /** A response to `asked`, whose records are in `buffer`. */
  received(asked: readonly AskedQueue[], response: FetchResponse, buffer: Buffer): void
  /** The connection was lost, or could not be opened; the reader tries again. */
  lost(error: BrokerError): void
  /** The queues cannot be read: the error is not retriable. */
  failed(queues: readonly FetchQueue[], error: BrokerError): void
}

/**
 * Reads the partitions that one node leads. One request is under way at a time, so answers come in order, and
 * the next one travels while the last is decoded. A queue without room is not asked for.
 */
export class LeaderReader implements LeaderClient<FetchQueue> {
  readonly queues = new Set<FetchQueue>()
  readonly #options: LeaderReaderOptions
  readonly #loop: LeaderLoop
  /** Index of the queue that comes first in the next request: only the first is sure to get a whole batch. */
  #turn = 0

  constructor(options: LeaderReaderOptions) {
    this.#options = options
    this.#loop = new LeaderLoop(options, {
      hasWork: () => this.#hasWork(),
      step: open => this.#fetch(open),
      stepFailed: reason => this.#fetchFailed(reason),
    })
  }

  /** To be called when there may be something to ask for. */
  kick(): void {
    this.#loop.kick()
  }

  close(): void {
    this.#loop.close()
  }

  #hasWork(): boolean {
    for (const queue of this.queues) if (this.#options.roomOf(queue) > 0) return true
    return false
  }

  async #fetch({ connection, versions }: OpenConnection): Promise<void> {
    const options = this.#options
    const queues = this.#choose()
    if (queues.length === 0) return
    const { settings, connect, isolation } = options
    const best = commonVersion(FETCH, versions, connection.address)
    // Brokers of different versions may leave a topic's id unknown; the lowest version needs none.
    const version = queues.every(queue => queue.topicId !== undefined) ? best : FETCH.versions.at(-1)!
    const waitMs = this.#leavesOut(queues) ? Math.min(SHORT_WAIT_MS, settings.waitMs) : settings.waitMs
    const { bytesMin } = settings
    const asked = queues.map(queue => ({ queue, target: targetOf(queue, options.roomOf(queue)) }))
    const targets = asked.map(({ target }) => target)
    const bytesMax = options.responseBytesMax()
    const reader = await connection.request(
      FETCH,
      version,
      connect.settings.requestTimeoutMs + waitMs,
      writer => writeFetchRequest(writer, version, { isolation, waitMs, bytesMin, bytesMax, targets }),
    )
    try {
      options.received(asked, readFetchResponse(reader, version), reader.buffer)
    } catch (reason) {
      if (!(reason instanceof MalformedError)) throw reason
      throw this.#malformed(queues, reason)
    }
  }

  /** The queues with room, with another one first each time: shares of a response are given in this order. */
  #choose(): FetchQueue[] {
    const wanted = [...this.queues].filter(queue => this.#options.roomOf(queue) > 0)
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

  #fetchFailed(reason: unknown): void {
    const error =
      reason instanceof BrokerError
        ? reason
        : new BrokerError('FETCH_FAILED', 'fatal', `reading failed: ${errorFrom(reason).message}`, {
            cause: reason,
          })
    if (error.class === 'retriable') return this.#options.lost(error)
    const concerned = [...this.queues].filter(queue => !queue.paused && !queue.failure)
    this.#options.failed(concerned, error)
  }
}

function targetOf(queue: FetchQueue, bytesMax: number): FetchTarget {
  const { topic, topicId, partition, fetchedTo, leaderEpoch, lastEpoch } = queue
  return { topic, topicId, partition, offset: fetchedTo, leaderEpoch, lastEpoch, bytesMax }
}
