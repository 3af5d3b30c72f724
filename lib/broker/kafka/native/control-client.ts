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
/** For topics that the client believes not to exist: made since it last looked, or truly absent. */
const UNKNOWN_ATTEMPTS = 3

export const EARLIEST = -2
export const LATEST = -1

/** What is known of a partition's offsets; `error` where the broker does not know the partition. */
export interface PartitionOffset extends TopicPartition {
  readonly offset: number
  readonly error: BrokerError | undefined
}

export interface ControlClientOptions {
  readonly native: NativeAdmin
  readonly clock: Clock
  /** Lets go of the client that the admin handle belongs to. */
  readonly release: () => Promise<void>
  /**
   * What is behind an error that passes, if more can be found out: brokers that refuse us look to the client
   * like brokers that do not answer.
   */
  readonly explain?: ((error: BrokerError) => Promise<BrokerError>) | undefined
}

/**
 * The one native admin handle of a broker object: for the `Admin`s it hands out, and for what its consumers
 * ask besides reading. A separate handle because a consumer's connections are busy with long polls, where
 * such a question waits for half a second.
 */
export class ControlClient {
  readonly #native: NativeAdmin
  readonly #clock: Clock
  readonly #release: () => Promise<void>
  readonly #explain: ((error: BrokerError) => Promise<BrokerError>) | undefined
  /** The last call; the next begins after it. */
  #last: Promise<unknown> = Promise.resolve()
  #closed = false

  constructor({ native, clock, release, explain }: ControlClientOptions) {
    this.#native = native
    this.#clock = clock
    this.#release = release
    this.#explain = explain
  }

  /**
   * One call after the other. Each blocks a thread of libuv's pool until the broker answers: with a broker
   * that is down, calls side by side would take them all, and nothing else of the process, files included,
   * would move.
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
   * Leaders move, and topics come: what fails for that is asked again with fresh metadata, which the client
   * does not fetch by itself. Without that, a process that found a topic missing when another was about to
   * make it would miss it for as long as it runs.
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
      // The client's way of saying it where it knows none of the topics.
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
 * The client fills answers with an invalid offset, and leaves it where the request to that leader fails,
 * without an error (librdkafka 2.15.1, `rd_kafka_ListOffsets_response_merge`). Taken for the end of a
 * changelog, it would restore nothing of a store.
 */
function noAnswer(place: TopicPartition, doing: string): BrokerError {
  const message = `the leader of ${nameOf(place)} has not answered while ${doing}`
  return new BrokerError('OFFSET_NOT_AVAILABLE', 'retriable', message, { partitions: [place] })
}

function nameOf({ topic, partition }: TopicPartition): string {
  return partitionKey(topic, partition)
}
