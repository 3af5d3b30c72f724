import type { Clock, Timer } from '../../../../common/clock.ts'
import { errorFrom } from '../../../../common/errors/errors.ts'
import { BrokerError } from '../../../broker-error.ts'
import type { TopicPartition } from '../../../broker.ts'
import { type Cluster, type Leader, UNKNOWN_TOPIC_OR_PARTITION } from './cluster.ts'
import { nameOf, RETRIABLE, placeOf, retryMs, UNKNOWN } from './retriable-errors.ts'
import { protocolError } from '../../protocol/protocol-error.ts'

/** How many answers in a row may say that a topic is unknown: brokers learn of a new topic one by one. */
const UNKNOWN_ATTEMPTS = 5

/** The queue of a partition that is read or written to at its leader. */
export interface LedQueue extends TopicPartition {
  /** Set when the queue is given up: no leader is looked for. */
  readonly failure: BrokerError | undefined
  /** The node that serves the queue; `Leaders` sets it. */
  leader: number | undefined
  leaderEpoch: number
  /** The time before which the partition is not part of a request, after a retriable error; 0 without one. */
  retryAtMs: number
  /** Answers in a row that said that there is no such partition. */
  unknownAnswers: number
}

export interface LeaderFinderOptions<Queue extends LedQueue> {
  readonly clock: Clock
  readonly cluster: Cluster
  readonly notify: (message: string) => void
  /** What the queues are for, as errors say it: "reading" or "sending". */
  readonly doing: string
  /** The queues that need a leader. */
  queues(): readonly Queue[]
  /** Called with the node that leads a queue's partition; undefined while none does. */
  moveTo(queue: Queue, node: number | undefined): void
  /**
   * Called with the metadata of a queue's partition before `moveTo`; the queue fails with what it returns.
   */
  found?(queue: Queue, leader: Leader): BrokerError | undefined
  /** Called after `moveTo` for the queues, whose leaders may have changed. */
  placed(): void
  fail(queues: readonly Queue[], error: BrokerError): void
}

/** Finds the leader of each queue, and while one has none asks the cluster again, with growing backoff. */
export class LeaderFinder<Queue extends LedQueue> {
  readonly #options: LeaderFinderOptions<Queue>
  #isAsking = false
  /** The timer of the next request for metadata. */
  #timer: Timer | undefined
  /** Answers in a row that left a queue without a leader. */
  #unsettled = 0
  #closed = false

  constructor(options: LeaderFinderOptions<Queue>) {
    this.#options = options
  }

  /** Places the queues after they have changed, from known metadata where it names all leaders. */
  place(): void {
    if (!this.#placeAll()) this.#ask()
  }

  /** To be called when a leader turns out not to be one: asks the cluster after a backoff. */
  askSoon(): void {
    if (this.#timer || this.#isAsking || this.#closed) return
    this.#timer = this.#options.clock.schedule(retryMs(this.#unsettled), () => {
      this.#timer = undefined
      this.#ask()
    })
  }

  close(): void {
    this.#closed = true
    this.#timer?.cancel()
  }

  /** False where a queue has no leader yet. */
  #placeAll(): boolean {
    let isSettled = true
    for (const queue of this.#options.queues()) {
      if (!queue.failure && !this.#placeOne(queue)) isSettled = false
    }
    this.#options.placed()
    return isSettled
  }

  #ask(): void {
    const queues = this.#options.queues()
    if (this.#isAsking || this.#closed || queues.length === 0) return
    this.#timer?.cancel()
    this.#timer = undefined
    this.#isAsking = true
    const topics = new Set(queues.map(({ topic }) => topic))
    this.#options.cluster
      .refresh(topics)
      .then(() => this.#answered(topics))
      .catch((reason: unknown) => this.#notAnswered(reason))
  }

  #answered(topics: ReadonlySet<string>): void {
    this.#isAsking = false
    if (this.#closed) return
    for (const queue of this.#options.queues()) if (topics.has(queue.topic)) this.#countUnknown(queue)
    const isSettled = this.#placeAll()
    this.#unsettled = isSettled ? 0 : this.#unsettled + 1
    if (!isSettled) this.askSoon()
  }

  #notAnswered(reason: unknown): void {
    this.#isAsking = false
    if (this.#closed) return
    const error = errorFrom(reason)
    this.#options.notify(error.message)
    this.#unsettled += 1
    // Credentials that were revoked, or a broker that is too old, do not mend by themselves.
    if (error instanceof BrokerError && error.class !== 'retriable') {
      this.#options.fail(this.#options.queues(), error)
    } else this.askSoon()
  }

  #countUnknown(queue: Queue): void {
    const leader = this.#options.cluster.leaderOf(queue.topic, queue.partition)
    queue.unknownAnswers = leader && UNKNOWN.has(leader.errorCode) ? queue.unknownAnswers + 1 : 0
  }

  /** True where the queue has its leader, or has failed. */
  #placeOne(queue: Queue): boolean {
    const { cluster, moveTo } = this.#options
    const leader = cluster.leaderOf(queue.topic, queue.partition)
    if (!leader) return false
    const { errorCode, node, epoch } = leader
    if (UNKNOWN.has(errorCode)) return this.#isGivenUp(queue)
    if (errorCode !== 0 && !RETRIABLE.has(errorCode)) {
      return this.#failOne(
        queue,
        protocolError(errorCode, `looking for the leader of ${nameOf(queue)}`, [placeOf(queue)]),
      )
    }
    const error = this.#options.found?.(queue, leader)
    if (error) return this.#failOne(queue, error)
    // The backoff was for the leader of before, and ends when there is another one or another epoch.
    if (queue.leaderEpoch !== epoch || queue.leader !== node) queue.retryAtMs = 0
    queue.leaderEpoch = epoch
    moveTo(queue, node)
    return node !== undefined
  }

  #isGivenUp(queue: Queue): boolean {
    this.#options.moveTo(queue, undefined)
    if (queue.unknownAnswers < UNKNOWN_ATTEMPTS) return false
    const message = `the broker has no partition ${nameOf(queue)}: create the topic first`
    const error = protocolError(UNKNOWN_TOPIC_OR_PARTITION, this.#options.doing, [placeOf(queue)], message)
    return this.#failOne(queue, error)
  }

  #failOne(queue: Queue, error: BrokerError): true {
    this.#options.fail([queue], error)
    return true
  }
}
