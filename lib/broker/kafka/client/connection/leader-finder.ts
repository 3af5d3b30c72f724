import type { Clock, Timer } from '../../../../common/clock.ts'
import { errorFrom } from '../../../../common/errors.ts'
import { BrokerError } from '../../../broker-error.ts'
import type { TopicPartition } from '../../../broker.ts'
import { type Cluster, type Leader, UNKNOWN_TOPIC_OR_PARTITION } from './cluster.ts'
import { nameOf, RETRIABLE, placeOf, retryMs, UNKNOWN } from './retriable-errors.ts'
import { protocolError } from '../../protocol/protocol-error.ts'

/**
 * How often in a row a topic may be unknown, with waits between: it may have been made a moment ago,
 * elsewhere.
 */
const UNKNOWN_ATTEMPTS = 5

/** A partition that is read, or written to, at its leader. */
export interface LedQueue extends TopicPartition {
  /** Set where nothing more is done with it. */
  readonly failure: BrokerError | undefined
  /** The node that serves the queue; `Leaders` sets it. */
  leader: number | undefined
  leaderEpoch: number
  /** Not to be asked for before: something went wrong with it. */
  retryAtMs: number
  /** So many times in a row the cluster has answered that there is no such partition. */
  unknownAnswers: number
}

export interface LeaderFinderOptions<Queue extends LedQueue> {
  readonly clock: Clock
  readonly cluster: Cluster
  readonly notify: (message: string) => void
  /** What is done with the queues, for an error: "reading". */
  readonly doing: string
  /** Those that need a leader now. */
  queues(): readonly Queue[]
  /** The queue belongs to this node from now on; to none while it is undefined. */
  moveTo(queue: Queue, node: number | undefined): void
  /** What the cluster says of a queue's partition, before the queue is moved; an error ends it. */
  found?(queue: Queue, leader: Leader): BrokerError | undefined
  /** Leaders may have changed. */
  placed(): void
  fail(queues: readonly Queue[], error: BrokerError): void
}

/**
 * Finds the leader of each queue, and asks the cluster again, with growing waits, as long as one has none.
 */
export class LeaderFinder<Queue extends LedQueue> {
  readonly #options: LeaderFinderOptions<Queue>
  #isAsking = false
  /** Set while a question to the cluster is put off. */
  #timer: Timer | undefined
  /** Answers in a row that left a queue without a leader. */
  #unsettled = 0
  #closed = false

  constructor(options: LeaderFinderOptions<Queue>) {
    this.#options = options
  }

  /** For an assignment that has changed. Asks the cluster only where it has to. */
  place(): void {
    if (!this.#placeAll()) this.#ask()
  }

  /** Something that was believed of the cluster is not so. */
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

  /** False where a queue waits for the cluster's answer. */
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
    // Credentials that were taken back, or a cluster that is too old: nothing comes until somebody sees to
    // it.
    if (error instanceof BrokerError && error.class !== 'retriable') {
      this.#options.fail(this.#options.queues(), error)
    } else this.askSoon()
  }

  #countUnknown(queue: Queue): void {
    const leader = this.#options.cluster.leaderOf(queue.topic, queue.partition)
    queue.unknownAnswers = leader && UNKNOWN.has(leader.errorCode) ? queue.unknownAnswers + 1 : 0
  }

  /** True where there is nothing to wait for. */
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
    // Another leader, or the same one elected anew, need not be waited for.
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
