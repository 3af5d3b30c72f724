import { errorFrom } from '../../../../common/errors.ts'
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
 * While a partition is full its neighbours are asked for with this short wait, so that it is asked for soon
 * after it was emptied.
 */
const SHORT_WAIT_MS = 5

/**
 * A queue that was asked for, and what exactly was asked: the queue may have moved on when the answer comes.
 */
export interface AskedQueue {
  readonly queue: FetchQueue
  readonly target: FetchTarget
}

/** What a reader does for, and tells, the fetcher that it belongs to. */
export interface LeaderReaderOptions extends LeaderConnectionOptions {
  readonly settings: FetchSettings
  readonly isolation: IsolationLevel
  /** How many bytes more a queue has room for; 0 where it is not to be asked for. */
  roomOf(queue: FetchQueue): number
  responseBytesMax(): number
  /** The answer for the queues that were asked for. `buffer` holds the records. */
  received(asked: readonly AskedQueue[], response: FetchResponse, buffer: Buffer): void
  /** The connection is gone, or could not be made; it is tried again later. */
  lost(error: BrokerError): void
  /** What trying again does not mend. */
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
  /** The queue that comes first in the next request, since the first alone is sure of a batch. */
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
    // The id of a topic may be missing where brokers of different age answer.
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

  /** The queues with room. Another one comes first in each request, since the first gets its share first. */
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
