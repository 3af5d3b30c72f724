import type { Clock, Timer } from '../../../common/clock.ts'
import { errorFrom } from '../../../common/errors.ts'
import { partitionKey } from '../../../common/ids.ts'
import { BrokerError } from '../../broker-error.ts'
import type { IsolationLevel, RecordBatch, TopicPartition, TopicPartitionOffset } from '../../broker.ts'
import type { Fetcher } from '../fetcher.ts'
import { PartitionMap } from '../partition-map.ts'
import { type Cluster, UNKNOWN_TOPIC_OR_PARTITION } from './cluster.ts'
import { FetchQueue } from './fetch-queue.ts'
import type { FetchedPartition, FetchResponse } from './fetch-response.ts'
import { FetchedRecords, type FetchedOptions, type FetchedSpan } from './fetched-records.ts'
import { LeaderReader, type Asked } from './leader-reader.ts'
import { MalformedError } from './malformed-error.ts'
import type { ConnectOptions } from './open-connection.ts'
import { malformedError, protocolError } from './protocol-error.ts'

const RETRY_MS = 50
const RETRY_MS_MAX = 1_000
/** How often in a row a topic may be unknown, with `RETRY_MS` between: it may have been made a moment ago, elsewhere. */
const UNKNOWN_ATTEMPTS = 5
/** Fetch errors that a new look at the cluster, or a moment's patience, mends; topics by name and by id are looked at apart. */
const PASSING: ReadonlySet<number> = new Set([-1, 5, 6, 7, 8, 9, 13, 56, 74, 75, 78])
const UNKNOWN: ReadonlySet<number> = new Set([UNKNOWN_TOPIC_OR_PARTITION, 100, 103])
const OFFSET_OUT_OF_RANGE = 1

export interface DirectFetcherOptions {
  readonly clock: Clock
  readonly cluster: Cluster
  readonly connect: ConnectOptions
  readonly isolation: IsolationLevel
  /** Bound on all queues together. */
  readonly bytesMax: number
  readonly wake: () => void
  /** For the log. */
  readonly hear: (message: string) => void
}

/** Reading over connections of our own: a queue for each partition, a reader for each node that leads some. */
export class DirectFetcher implements Fetcher {
  readonly #options: DirectFetcherOptions
  readonly #partitions = new PartitionMap<FetchQueue>()
  /** `#partitions` as a list, for the turns of `poll`. */
  #turns: readonly FetchQueue[] = []
  #nextTurn = 0
  readonly #readers = new Map<number, LeaderReader>()
  readonly #errors: BrokerError[] = []
  #isRefreshing = false
  /** Set while a question to the cluster is put off. */
  #refreshTimer: Timer | undefined
  /** Questions in a row that left a partition without a leader. */
  #unsettled = 0
  #closed = false

  constructor(options: DirectFetcherOptions) {
    this.#options = options
  }

  assign(positions: readonly TopicPartitionOffset[]): void {
    for (const { topic, partition, offset } of positions) {
      this.#leave(this.#partitions.get(topic, partition))
      const queue = new FetchQueue(topic, partition, offset)
      this.#partitions.set(queue, queue)
    }
    this.#assignmentChanged()
  }

  unassign(partitions: readonly TopicPartition[]): void {
    for (const each of partitions) this.#leave(this.#partitions.delete(each))
    this.#assignmentChanged()
  }

  pause(partitions: readonly TopicPartition[]): void {
    for (const { topic, partition } of partitions) {
      const queue = this.#partitions.get(topic, partition)
      if (queue) queue.paused = true
    }
  }

  resume(partitions: readonly TopicPartition[]): void {
    for (const { topic, partition } of partitions) {
      const queue = this.#partitions.get(topic, partition)
      if (queue) queue.paused = false
    }
    this.#kickAll()
  }

  position({ topic, partition }: TopicPartition): number | undefined {
    return this.#partitions.get(topic, partition)?.position
  }

  knownEnd({ topic, partition }: TopicPartition): number | undefined {
    return this.#partitions.get(topic, partition)?.end
  }

  get hasData(): boolean {
    for (const queue of this.#turns) if (queue.ready) return true
    return false
  }

  poll(maxRecords: number): readonly RecordBatch[] {
    const batches: RecordBatch[] = []
    let room = maxRecords
    const turns = this.#turns
    for (let step = 0; step < turns.length && room > 0; step += 1) {
      // The partition that took the last room begins the next poll's queue behind all others.
      const queue = turns[(this.#nextTurn + step) % turns.length]!
      if (!queue.ready) continue
      const batch = this.#take(queue, room)
      if (!batch) continue
      batches.push(batch)
      room -= batch.records.length
      if (room <= 0) this.#nextTurn = (this.#nextTurn + step + 1) % turns.length
    }
    if (batches.length > 0) this.#kickAll()
    return batches
  }

  get hasError(): boolean {
    return this.#errors.length > 0
  }

  takeError(): BrokerError | undefined {
    return this.#errors.shift()
  }

  tick(): void {
    for (const [node, reader] of this.#readers) {
      if (reader.queues.size > 0) continue
      reader.close()
      this.#readers.delete(node)
    }
    this.#kickAll()
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#refreshTimer?.cancel()
    for (const reader of this.#readers.values()) reader.close()
    for (const queue of this.#turns) queue.clear()
  }

  #take(queue: FetchQueue, room: number): RecordBatch | undefined {
    const before = queue.position
    const batch = queue.take(room)
    if (queue.isEmpty && queue.failure) this.#tell(queue.failure)
    return batch.records.length > 0 || batch.nextOffset > before ? batch : undefined
  }

  #leave(queue: FetchQueue | undefined): void {
    if (!queue) return
    queue.closed = true
    queue.clear()
    this.#moveTo(queue, undefined)
  }

  #assignmentChanged(): void {
    this.#turns = this.#partitions.values()
    this.#nextTurn = 0
    if (!this.#placeAll()) this.#refresh()
  }

  /** Gives each queue to the reader of its leader, as far as leaders are known; the others wait for the cluster's answer. */
  #placeAll(): boolean {
    let isSettled = true
    for (const queue of this.#turns) if (!queue.failure && !this.#place(queue)) isSettled = false
    this.#kickAll()
    return isSettled
  }

  #refresh(): void {
    if (this.#isRefreshing || this.#closed || this.#turns.length === 0) return
    this.#refreshTimer?.cancel()
    this.#refreshTimer = undefined
    this.#isRefreshing = true
    const topics = new Set(this.#turns.map(({ topic }) => topic))
    this.#options.cluster
      .refresh(topics)
      .then(() => this.#learned(topics))
      .catch((reason: unknown) => this.#notLearned(reason))
  }

  #refreshSoon(): void {
    if (this.#refreshTimer || this.#isRefreshing || this.#closed) return
    const delayMs = Math.min(RETRY_MS_MAX, RETRY_MS * 2 ** Math.min(this.#unsettled, 10))
    this.#refreshTimer = this.#options.clock.schedule(delayMs, () => {
      this.#refreshTimer = undefined
      this.#refresh()
    })
  }

  #learned(topics: ReadonlySet<string>): void {
    this.#isRefreshing = false
    if (this.#closed) return
    for (const queue of this.#turns) if (topics.has(queue.topic)) this.#countUnknown(queue)
    const isSettled = this.#placeAll()
    this.#unsettled = isSettled ? 0 : this.#unsettled + 1
    if (!isSettled) this.#refreshSoon()
  }

  #notLearned(reason: unknown): void {
    this.#isRefreshing = false
    if (this.#closed) return
    const error = errorFrom(reason)
    this.#options.hear(error.message)
    this.#unsettled += 1
    // Credentials that were taken back, or a cluster that is too old: the partitions get nothing until somebody sees to it.
    if (error instanceof BrokerError && error.class !== 'retriable') this.#failAll(this.#turns, error)
    else this.#refreshSoon()
  }

  #countUnknown(queue: FetchQueue): void {
    const leader = this.#options.cluster.leaderOf(queue.topic, queue.partition)
    queue.unknownAnswers = leader && UNKNOWN.has(leader.errorCode) ? queue.unknownAnswers + 1 : 0
  }

  #place(queue: FetchQueue): boolean {
    const { cluster } = this.#options
    const leader = cluster.leaderOf(queue.topic, queue.partition)
    if (!leader) return false
    if (UNKNOWN.has(leader.errorCode)) return this.#isUnknown(queue, leader.errorCode)
    if (leader.errorCode !== 0 && !PASSING.has(leader.errorCode)) {
      this.#fail(
        queue,
        protocolError(leader.errorCode, `looking for the leader of ${nameOf(queue)}`, [placeOf(queue)]),
      )
      return true
    }
    // A broker from before topic ids says nothing about it.
    const wasRead = queue.readTopicId !== undefined && leader.topicId !== undefined
    if (wasRead && leader.topicId !== queue.readTopicId) {
      this.#fail(queue, goneError(queue, 'the topic was deleted and made again'))
      return true
    }
    // Another leader, or the same one elected anew, need not be waited for.
    if (queue.leaderEpoch !== leader.epoch || queue.leader !== leader.node) queue.retryAtMs = 0
    queue.topicId = leader.topicId
    queue.leaderEpoch = leader.epoch
    this.#moveTo(queue, leader.node)
    return leader.node !== undefined
  }

  /** True where the end of our patience has settled it. */
  #isUnknown(queue: FetchQueue, errorCode: number): boolean {
    this.#moveTo(queue, undefined)
    if (queue.unknownAnswers < UNKNOWN_ATTEMPTS) return false
    const message = `the broker has no partition ${nameOf(queue)}: create the topic first`
    this.#fail(
      queue,
      protocolError(UNKNOWN_TOPIC_OR_PARTITION, `reading (${errorCode})`, [placeOf(queue)], message),
    )
    return true
  }

  #moveTo(queue: FetchQueue, node: number | undefined): void {
    if (queue.leader === node) return
    if (queue.leader !== undefined) this.#readers.get(queue.leader)?.queues.delete(queue)
    queue.leader = node
    if (node === undefined) return
    let reader = this.#readers.get(node)
    if (!reader) this.#readers.set(node, (reader = this.#newReader(node)))
    reader.queues.add(queue)
  }

  #newReader(node: number): LeaderReader {
    const { clock, cluster, connect, isolation } = this.#options
    return new LeaderReader(node, {
      clock,
      cluster,
      connect,
      isolation,
      roomOf: queue => this.#roomOf(queue),
      responseBytesMax: () => Math.min(connect.settings.bytesMax, Math.ceil(this.#options.bytesMax / 2)),
      received: (asked, response, buffer) => this.#received(asked, response, buffer),
      lost: error => {
        this.#options.hear(error.message)
        this.#refreshSoon()
      },
      failed: (queues, error) => this.#failAll(queues, error),
    })
  }

  #kickAll(): void {
    for (const reader of this.#readers.values()) reader.kick()
  }

  /** Two parts of a response fit into a queue: one is decoded while the next one comes. */
  #roomOf(queue: FetchQueue): number {
    if (queue.paused || queue.failure || queue.closed) return 0
    const { clock, connect, bytesMax } = this.#options
    const part = Math.min(connect.settings.partitionBytesMax, Math.ceil(bytesMax / 2 / this.#turns.length))
    if (queue.bytes > part || (queue.retryAtMs > 0 && clock.monotonicMs() < queue.retryAtMs)) return 0
    return Math.max(part, queue.batchBytes)
  }

  #received(asked: readonly Asked[], { errorCode, partitions }: FetchResponse, buffer: Buffer): void {
    if (errorCode !== 0) {
      const places = asked.map(({ queue }) => placeOf(queue))
      throw protocolError(errorCode, `reading ${places.map(nameOf).join(', ')}`, places)
    }
    const questions = questionsOf(partitions, asked)
    for (const [index, fetched] of partitions.entries()) {
      const { queue, target } = questions[index]!
      // Moved to another leader, it may have been read there meanwhile.
      const isCurrent = !queue.closed && !queue.failure && queue.fetchedTo === target.offset
      if (isCurrent) this.#receivedOne(queue, target.topicId, fetched, buffer)
    }
    if (this.hasData || this.hasError) this.#options.wake()
  }

  #receivedOne(
    queue: FetchQueue,
    topicId: string | undefined,
    fetched: FetchedPartition,
    buffer: Buffer,
  ): void {
    if (fetched.errorCode !== 0) return this.#refused(queue, fetched.errorCode)
    if (fetched.divergedAt !== undefined) {
      return this.#fail(queue, goneError(queue, `the log was cut at ${fetched.divergedAt}`))
    }
    queue.failures = 0
    queue.retryAtMs = 0
    queue.readTopicId = topicId
    const { isolation, connect } = this.#options
    const isCommitted = isolation === 'read_committed'
    const { highWatermark, lastStableOffset, recordsStart: start, recordsEnd: end } = fetched
    const logEnd = isCommitted && lastStableOffset >= 0 ? lastStableOffset : highWatermark
    if (start < end) {
      const aborted = isCommitted ? fetched.aborted : undefined
      const span = { buffer, start, end, offset: queue.fetchedTo, logEnd }
      this.#append(queue, span, { aborted, checkCrc: connect.settings.checkCrc })
    }
    queue.end = Math.max(logEnd, queue.fetchedTo)
  }

  #append(queue: FetchQueue, span: FetchedSpan, options: FetchedOptions): void {
    try {
      const fetched = new FetchedRecords(span, options)
      if (fetched.bytes > 0) queue.append(fetched)
      // Only the first partition of an answer is sure of a whole batch; this one asks for as much as its next batch needs.
      queue.batchBytes = fetched.cutBatchBytes ?? 0
    } catch (reason) {
      const cause = errorFrom(reason)
      const message = `${nameOf(queue)} at offset ${span.offset}: ${cause.message}`
      this.#fail(queue, malformedError(message, cause, [placeOf(queue)]))
    }
  }

  #refused(queue: FetchQueue, errorCode: number): void {
    if (errorCode === OFFSET_OUT_OF_RANGE) {
      return this.#fail(queue, goneError(queue, 'the broker has no such offset'))
    }
    if (!PASSING.has(errorCode) && !UNKNOWN.has(errorCode)) {
      return this.#fail(queue, protocolError(errorCode, `reading ${nameOf(queue)}`, [placeOf(queue)]))
    }
    const backoffMs = Math.min(RETRY_MS_MAX, RETRY_MS * 2 ** Math.min(queue.failures, 10))
    queue.failures += 1
    queue.retryAtMs = this.#options.clock.monotonicMs() + backoffMs
    this.#refreshSoon()
  }

  #fail(queue: FetchQueue, error: BrokerError): void {
    queue.failure = error
    this.#moveTo(queue, undefined)
    if (queue.isEmpty) this.#tell(error)
  }

  #failAll(queues: readonly FetchQueue[], error: BrokerError): void {
    let isTold = false
    for (const queue of [...queues]) {
      if (queue.failure) continue
      queue.failure = error
      this.#moveTo(queue, undefined)
      isTold = true
    }
    if (isTold) this.#tell(error)
  }

  #tell(error: BrokerError): void {
    this.#errors.push(error)
    this.#options.wake()
  }
}

/** What the runtime's reset policy decides about. */
function goneError(queue: FetchQueue, why: string): BrokerError {
  const message = `${nameOf(queue)} cannot be read from offset ${queue.fetchedTo}: ${why}`
  return new BrokerError('OFFSET_OUT_OF_RANGE', 'fatal', message, { partitions: [placeOf(queue)] })
}

/** For each answer what it answers. Throws `MalformedError` for what was not asked for, or is answered twice, before anything is made of it. */
function questionsOf(partitions: readonly FetchedPartition[], asked: readonly Asked[]): readonly Asked[] {
  const answered = new Set<Asked>()
  let at = 0
  for (const fetched of partitions) {
    // The answer has the order of the question, so the search is short.
    for (let step = 0; step < asked.length && !isOf(fetched, asked[at % asked.length]!); step += 1) at += 1
    const question = asked[at % asked.length]!
    if (!isOf(fetched, question) || answered.has(question)) {
      throw new MalformedError(`partition ${fetched.partition} was not asked for, or is answered twice`)
    }
    answered.add(question)
  }
  return [...answered]
}

function isOf({ partition, topic, topicId }: FetchedPartition, { target }: Asked): boolean {
  if (partition !== target.partition) return false
  return topicId === undefined ? topic === target.topic : topicId === target.topicId
}

function nameOf({ topic, partition }: TopicPartition): string {
  return partitionKey(topic, partition)
}

function placeOf({ topic, partition }: TopicPartition): TopicPartition {
  return { topic, partition }
}
