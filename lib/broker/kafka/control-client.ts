import type { Clock } from '../../common/clock.ts'
import { partitionKey } from '../../common/ids.ts'
import { BrokerError } from '../broker-error.ts'
import type { IsolationLevel, OffsetToCommit, TopicPartition } from '../broker.ts'
import { brokerErrorFrom } from './classify-error.ts'
import { closedError, nativeCall } from './native-call.ts'
import type { NativeAdmin, NativeCallback, NativePartition } from './native-client.ts'

const REQUEST_TIMEOUT_MS = 10_000
const LEADER_ATTEMPTS = 5
/** For topics that the client believes not to exist: made since it last looked, or truly absent. */
const UNKNOWN_ATTEMPTS = 3
/** Between two questions whether offsets are decided; a transaction's completion takes about 30 ms. */
const UNSTABLE_BACKOFF_MS = 25

const COORDINATOR_MS_MAX = 60_000
const COORDINATOR_BACKOFF_MS = 100

export const EARLIEST = -2
export const LATEST = -1

/** What is known of a partition's offsets; `error` where the broker does not know the partition. */
export interface PartitionOffset extends TopicPartition {
  readonly offset: number
  readonly error: BrokerError | undefined
}

/**
 * The one native admin handle of a broker object: for the `Admin`s it hands out, and for what its consumers ask besides reading.
 * A separate handle because a consumer's connections are busy with long polls, where such a question waits for half a second.
 */
export class ControlClient {
  readonly #native: NativeAdmin
  readonly #clock: Clock
  readonly #release: () => Promise<void>
  /** The last call; the next begins after it. */
  #last: Promise<unknown> = Promise.resolve()
  #closed = false

  /** `release` lets go of the client that the admin handle belongs to. */
  constructor(native: NativeAdmin, clock: Clock, release: () => Promise<void>) {
    this.#native = native
    this.#clock = clock
    this.#release = release
  }

  /**
   * One call after the other. Each blocks a thread of libuv's pool until the broker answers: with a broker that is down, calls side
   * by side would take them all, and nothing else of the process, files included, would move.
   */
  call<T>(doing: string, start: (native: NativeAdmin, callback: NativeCallback<T>) => void): Promise<T> {
    const answer = this.#last.then(() => {
      if (this.#closed) throw closedError('broker')
      return nativeCall<T>(doing, callback => start(this.#native, callback))
    })
    this.#last = answer.catch(() => undefined)
    return answer
  }

  /**
   * Leaders move, and topics come: what fails for that is asked again with fresh metadata, which the client does not fetch by itself.
   * Without that, a process that found a topic missing when another was about to make it would miss it for as long as it runs.
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
    return answers.map(answer => ({
      topic: answer.topic,
      partition: answer.partition,
      offset: answer.offset ?? -1,
      error: answer.error
        ? brokerErrorFrom(answer.error, `${doing} of ${nameOf(answer)}`, [answer])
        : undefined,
    }))
  }

  /** Committed offsets by `partitionKey`. `stable`: rejects with `UNSTABLE_OFFSET_COMMIT` while one of them is undecided. */
  async groupOffsets(
    groupId: string,
    partitions: readonly TopicPartition[],
    stable: boolean,
  ): Promise<ReadonlyMap<string, OffsetToCommit>> {
    if (partitions.length === 0) return new Map()
    const places = partitions.map(({ topic, partition }) => ({ topic, partition }))
    return this.#groupOffsets({ groupId, partitions: places }, stable)
  }

  /** Without partitions: those of all that the group has committed, and that we may see. */
  async #groupOffsets(
    group: { readonly groupId: string; readonly partitions?: readonly TopicPartition[] },
    stable: boolean,
  ): Promise<ReadonlyMap<string, OffsetToCommit>> {
    const doing = `reading the committed offsets of group ${group.groupId}`
    const [answer] = await this.call<
      readonly {
        readonly error?: NativePartition['error']
        readonly partitions: readonly NativePartition[]
      }[]
    >(doing, (native, callback) =>
      native.listConsumerGroupOffsets(
        [group],
        { timeout: REQUEST_TIMEOUT_MS, requireStableOffsets: stable },
        callback,
      ),
    )
    if (answer?.error) throw brokerErrorFrom(answer.error, doing)
    return offsetsByKey(answer?.partitions ?? [], doing)
  }

  /**
   * Resolves when the group's coordinator answers for it, which on a new cluster takes seconds; rejects with what forbids it. To be asked before a group
   * is described: the binding reads a null string of any description that is an error, and ends the process with SIGSEGV
   * (`FromConsumerGroupDescription` in its `src/common.cc`).
   */
  async coordinated(groupId: string): Promise<void> {
    const deadlineMs = this.#clock.monotonicMs() + COORDINATOR_MS_MAX
    for (;;) {
      try {
        // Naming no topic: one that is not the application's may be forbidden to it.
        await this.#groupOffsets({ groupId }, false)
        return
      } catch (reason) {
        const mayPass = reason instanceof BrokerError && reason.class === 'retriable'
        if (!mayPass || this.#clock.monotonicMs() > deadlineMs) throw reason
        await this.#clock.sleep(COORDINATOR_BACKOFF_MS)
      }
    }
  }

  /** As `groupOffsets` with `stable`, but asks again until the transactions are decided or the time is over. */
  async stableGroupOffsets(
    groupId: string,
    partitions: readonly TopicPartition[],
    timeoutMs: number,
  ): Promise<ReadonlyMap<string, OffsetToCommit>> {
    const deadlineMs = this.#clock.monotonicMs() + timeoutMs
    for (;;) {
      try {
        return await this.groupOffsets(groupId, partitions, true)
      } catch (reason) {
        const again = reason instanceof BrokerError && reason.class === 'retriable'
        if (!again || this.#clock.monotonicMs() + UNSTABLE_BACKOFF_MS >= deadlineMs) throw reason
      }
      await this.#clock.sleep(UNSTABLE_BACKOFF_MS)
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#last
    await this.#release()
  }
}

function offsetsByKey(
  partitions: readonly NativePartition[],
  doing: string,
): ReadonlyMap<string, OffsetToCommit> {
  const offsets = new Map<string, OffsetToCommit>()
  for (const each of partitions) {
    if (each.error) throw brokerErrorFrom(each.error, `${doing} for ${nameOf(each)}`, [each])
    const { topic, partition, offset, metadata } = each
    // -1001: nothing is committed.
    if (offset === undefined || offset < 0) continue
    offsets.set(partitionKey(topic, partition), {
      topic,
      partition,
      offset,
      ...(metadata ? { metadata } : {}),
    })
  }
  return offsets
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

function nameOf({ topic, partition }: TopicPartition): string {
  return partitionKey(topic, partition)
}
