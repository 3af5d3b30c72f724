import type { Clock } from '../../../common/clock.ts'
import { partitionKey } from '../../../common/ids.ts'
import { BrokerError } from '../../broker-error.ts'
import type { IsolationLevel, TopicPartition } from '../../broker.ts'
import { brokerErrorFrom } from './classify-error.ts'
import { CONTROL_TIMEOUT_MS } from '../settings/client-settings.ts'
import { closedError } from '../protocol/protocol-error.ts'
import { nativeCall } from './native-call.ts'
import type { NativeAdmin, NativeCallback, NativePartition } from './native-client.ts'

const REQUEST_TIMEOUT_MS = CONTROL_TIMEOUT_MS
const LEADER_ATTEMPTS = 5
/** Attempts for a topic that is unknown to the client: it may be newer than the client's metadata. */
const UNKNOWN_ATTEMPTS = 3

export const EARLIEST = -2
export const LATEST = -1

/** An offset of a partition, or the error where the broker does not know the partition. */
export interface PartitionOffset extends TopicPartition {
  readonly offset: number
  readonly error: BrokerError | undefined
}

export interface ControlClientOptions {
  readonly native: NativeAdmin
  readonly clock: Clock
  /** Closes the client that the admin handle belongs to. */
  readonly release: () => Promise<void>
  /**
   * Finds the cause of a retriable error, if it can: the native client takes brokers that refuse the
   * credentials for brokers that do not answer.
   */
  readonly explain?: ((error: BrokerError) => Promise<BrokerError>) | undefined
}

/**
 * The native admin handle of a broker object, for its `Admin`s and for requests of its consumers other than
 * fetches. On a consumer's own connections such a request would wait for half a second behind a long poll.
 */
export class ControlClient {
  readonly #native: NativeAdmin
  readonly #clock: Clock
  readonly #release: () => Promise<void>
  readonly #explain: ((error: BrokerError) => Promise<BrokerError>) | undefined
  /** The last call, after which the next one begins. */
  #last: Promise<unknown> = Promise.resolve()
  #closed = false

  constructor({ native, clock, release, explain }: ControlClientOptions) {
    this.#native = native
    this.#clock = clock
    this.#release = release
    this.#explain = explain
  }

  /**
   * Makes one call after the other. Each blocks a thread of libuv's pool until the broker answers: while a
   * broker is down, parallel calls would take all threads, and the process could not even read files.
   */
  call<T>(doing: string, start: (native: NativeAdmin, callback: NativeCallback<T>) => void): Promise<T> {
    const answer = this.#last.then(() => {
      if (this.#closed) throw closedError('broker')
      return nativeCall<T>(doing, callback => start(this.#native, callback)).catch(reason =>
        this.#explained(reason),
      )
    })
    this.#last = answer.catch(() => undefined)
    return answer
  }

  /**
   * Offsets of partitions. What fails because a leader has moved or a topic is new is asked again with new
   * metadata, which the client does not fetch by itself: it would miss a new topic for as long as it runs.
   */
  async listOffsets(
    partitions: readonly TopicPartition[],
    timestamp: number,
    isolation: IsolationLevel,
  ): Promise<readonly PartitionOffset[]> {
    if (partitions.length === 0) return []
    for (let attempt = 1; ; attempt += 1) {
      const answers = await this.#askOffsets(partitions, timestamp, isolation)
      const attempts = Math.max(1, ...answers.map(({ error }) => attemptsAfter(error)))
      if (attempt >= attempts) return answers
      await this.#clock.sleep(attempt * 50)
      await this.call('refreshing metadata', (native, callback) =>
        native.listTopics({ timeout: REQUEST_TIMEOUT_MS }, callback),
      )
    }
  }

  async #askOffsets(
    partitions: readonly TopicPartition[],
    timestamp: number,
    isolation: IsolationLevel,
  ): Promise<readonly PartitionOffset[]> {
    const doing = 'asking for offsets'
    const questions = partitions.map(({ topic, partition }) => ({ topic, partition, offset: { timestamp } }))
    const isolationLevel = isolation === 'read_committed' ? 1 : 0
    const answers = await this.call<readonly NativePartition[]>(doing, (native, callback) =>
      native.listOffsets(questions, { timeout: REQUEST_TIMEOUT_MS, isolationLevel }, callback),
    ).catch((reason: unknown) => {
      // The client throws where it knows none of the topics.
      if (!isUnknown(reason)) throw reason
      return undefined
    })
    if (!answers) {
      return partitions.map(place => ({ ...place, offset: -1, error: unknownPartition(place, doing) }))
    }
    return answers.map(({ topic, partition, offset = -1, error }) => {
      const place = { topic, partition }
      if (error)
        return { ...place, offset, error: brokerErrorFrom(error, `${doing} of ${nameOf(place)}`, [place]) }
      return { ...place, offset, error: offset < 0 ? noAnswer(place, doing) : undefined }
    })
  }

  async #explained(reason: unknown): Promise<never> {
    const isUnclear = reason instanceof BrokerError && reason.class === 'retriable'
    throw isUnclear && this.#explain ? await this.#explain(reason) : reason
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#last
    await this.#release()
  }
}

const UNKNOWN = 'UNKNOWN_TOPIC_OR_PARTITION'

function isUnknown(reason: unknown): boolean {
  return reason instanceof BrokerError && reason.code === UNKNOWN
}

function attemptsAfter(error: BrokerError | undefined): number {
  if (error?.class === 'retriable') return LEADER_ATTEMPTS
  return isUnknown(error) ? UNKNOWN_ATTEMPTS : 1
}

function unknownPartition(place: TopicPartition, doing: string): BrokerError {
  const message = `the broker has no partition ${nameOf(place)} while ${doing}: create the topic first`
  return new BrokerError(UNKNOWN, 'topic-missing', message, { partitions: [place] })
}

/**
 * The error for an offset that the client left invalid: where the request to one leader fails, it reports no
 * error (librdkafka 2.15.1, `rd_kafka_ListOffsets_response_merge`). Taken for the end of a changelog, such an
 * offset would leave a store empty.
 */
function noAnswer(place: TopicPartition, doing: string): BrokerError {
  const message = `the leader of ${nameOf(place)} has not answered while ${doing}`
  return new BrokerError('OFFSET_NOT_AVAILABLE', 'retriable', message, { partitions: [place] })
}

function nameOf({ topic, partition }: TopicPartition): string {
  return partitionKey(topic, partition)
}
