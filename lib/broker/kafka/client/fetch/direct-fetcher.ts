import type { Clock } from '../../../../common/clock.ts'
import { errorFrom } from '../../../../common/errors/errors.ts'
import type { BrokerError } from '../../../broker-error.ts'
import type { IsolationLevel, RecordBatch, TopicPartition, TopicPartitionOffset } from '../../../broker.ts'
import type { Fetcher } from './fetcher.ts'
import { PartitionMap } from '../../protocol/partition-map.ts'
import type { Cluster, Leader } from '../connection/cluster.ts'
import { DecodeBudget } from './decode-budget.ts'
import { FetchQueue } from './fetch-queue.ts'
import type { FetchSettings } from './fetch-settings.ts'
import { PartitionRotation } from './partition-rotation.ts'
import type { FetchedPartition, FetchResponse } from './fetch-response.ts'
import { offsetOutOfRange } from './offset-out-of-range.ts'
import { FetchedRecords, type DecodeGate, type FetchedOptions, type FetchedSpan } from './fetched-records.ts'
import { LeaderFinder } from '../connection/leader-finder.ts'
import { LeaderReader, type AskedQueue } from './leader-reader.ts'
import { Leaders } from '../connection/leaders.ts'
import { matchAnswers } from './match-answers.ts'
import type { ConnectOptions } from '../connection/open-connection.ts'
import { malformedError, protocolError } from '../../protocol/protocol-error.ts'
import { nameOf, RETRIABLE, placeOf, retryMs, UNKNOWN } from '../connection/retriable-errors.ts'

const OFFSET_OUT_OF_RANGE = 1

export interface DirectFetcherOptions {
  readonly clock: Clock
  readonly cluster: Cluster
  readonly connect: ConnectOptions
  readonly settings: FetchSettings
  readonly isolation: IsolationLevel
  /**
   * Limit of all queues together, and of their decompressed batches, apart from a single batch that is
   * larger.
   */
  readonly bytesMax: number
  /** Whether a partition is polled for a while before the next one (`PartitionRotation`). */
  readonly keepsTurns: boolean
  readonly wake: () => void
  /** Logs a message. */
  readonly notify: (message: string) => void
}

/** The fetcher of the direct path, with a queue for each partition and a reader for each leader's node. */
export class DirectFetcher implements Fetcher {
  readonly #options: DirectFetcherOptions
  readonly #partitions = new PartitionMap<FetchQueue>()
  /** `#partitions` as a list. */
  #queues: readonly FetchQueue[] = []
  readonly #turns: PartitionRotation<FetchQueue>
  readonly #decodeBudget: DecodeBudget
  readonly #readers = new Leaders<FetchQueue, LeaderReader>(node => this.#newReader(node))
  readonly #errors: BrokerError[] = []
  readonly #finder: LeaderFinder<FetchQueue>

  constructor(options: DirectFetcherOptions) {
    this.#options = options
    const { clock, cluster, notify } = options
    this.#turns = new PartitionRotation(clock, options)
    this.#decodeBudget = new DecodeBudget(options.bytesMax, () => this.#queues)
    this.#finder = new LeaderFinder({
      clock,
      cluster,
      notify,
      doing: 'reading',
      queues: () => this.#queues,
      moveTo: (queue, node) => void this.#readers.move(queue, node),
      found: (queue, leader) => this.#found(queue, leader),
      placed: () => this.#readers.kick(),
      fail: (queues, error) => this.#fail(queues, error),
    })
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
    this.#readers.kick()
  }

  position({ topic, partition }: TopicPartition): number | undefined {
    return this.#partitions.get(topic, partition)?.position
  }

  knownEnd({ topic, partition }: TopicPartition): number | undefined {
    return this.#partitions.get(topic, partition)?.end
  }

  get hasData(): boolean {
    for (const queue of this.#queues) if (queue.ready) return true
    return false
  }

  poll(maxRecords: number): readonly RecordBatch[] {
    const batches: RecordBatch[] = []
    this.#decodeBudget.beginPoll()
    this.#turns.take(maxRecords, (queue, room) => {
      const batch = this.#take(queue, room)
      if (!batch) return 0
      batches.push(batch)
      return batch.records.length
    })
    if (batches.length > 0) this.#readers.kick()
    return batches
  }

  get hasError(): boolean {
    return this.#errors.length > 0
  }

  takeError(): BrokerError | undefined {
    return this.#errors.shift()
  }

  tick(): void {
    this.#readers.closeIdle()
    this.#readers.kick()
  }

  async close(): Promise<void> {
    this.#finder.close()
    this.#readers.close()
    for (const queue of this.#queues) queue.clear()
  }

  #take(queue: FetchQueue, room: number): RecordBatch | undefined {
    const before = queue.position
    const batch = queue.take(room)
    if (queue.isEmpty && queue.failure) this.#report(queue.failure)
    return batch.records.length > 0 || batch.nextOffset > before ? batch : undefined
  }

  #leave(queue: FetchQueue | undefined): void {
    if (!queue) return
    queue.closed = true
    queue.clear()
    this.#decodeBudget.forget(queue)
    this.#readers.move(queue, undefined)
  }

  #assignmentChanged(): void {
    this.#queues = this.#partitions.values()
    this.#turns.queues = this.#queues
    this.#finder.place()
  }

  #found(queue: FetchQueue, { topicId }: Leader): BrokerError | undefined {
    // Brokers that are older than topic ids do not tell that a topic was created again.
    if (queue.readTopicId !== undefined && topicId !== undefined && topicId !== queue.readTopicId) {
      return offsetOutOfRange(queue, 'the topic was deleted and made again')
    }
    queue.topicId = topicId
    return undefined
  }

  #newReader(node: number): LeaderReader {
    const { cluster, connect, settings, isolation } = this.#options
    return new LeaderReader({
      node,
      cluster,
      connect,
      settings,
      isolation,
      roomOf: queue => this.#roomOf(queue),
      responseBytesMax: () => Math.min(settings.bytesMax, Math.ceil(this.#options.bytesMax / 2)),
      received: (asked, response, buffer) => this.#received(asked, response, buffer),
      lost: error => {
        this.#options.notify(error.message)
        this.#finder.askSoon()
      },
      failed: (queues, error) => this.#fail(queues, error),
    })
  }

  /** The bytes to ask for. A queue has room for two responses: one is decoded while the next one travels. */
  #roomOf(queue: FetchQueue): number {
    if (queue.paused || queue.failure || queue.closed) return 0
    const { clock, settings, bytesMax } = this.#options
    const part = Math.min(settings.partitionBytesMax, Math.ceil(bytesMax / 2 / this.#queues.length))
    if (queue.bytes > part || (queue.retryAtMs > 0 && clock.monotonicMs() < queue.retryAtMs)) return 0
    return Math.max(part, queue.batchBytes)
  }

  #received(asked: readonly AskedQueue[], { errorCode, partitions }: FetchResponse, buffer: Buffer): void {
    if (errorCode !== 0) {
      const places = asked.map(({ queue }) => placeOf(queue))
      throw protocolError(errorCode, `reading ${places.map(nameOf).join(', ')}`, places)
    }
    const questions = matchAnswers(partitions, asked)
    for (const [index, fetched] of partitions.entries()) {
      const { queue, target } = questions[index]!
      // A queue that has moved may have been read at its new leader meanwhile.
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
    const { divergedAt } = fetched
    if (divergedAt !== undefined) {
      const offset = divergedAt < 0 ? undefined : divergedAt
      return this.#fail([queue], offsetOutOfRange(queue, `the log was cut at ${divergedAt}`, offset))
    }
    queue.failures = 0
    queue.retryAtMs = 0
    queue.readTopicId = topicId
    const { isolation, settings } = this.#options
    const isCommitted = isolation === 'read_committed'
    const { highWatermark, lastStableOffset, recordsStart: start, recordsEnd: end } = fetched
    const logEnd = isCommitted && lastStableOffset >= 0 ? lastStableOffset : highWatermark
    if (start < end) {
      const aborted = isCommitted ? fetched.aborted : undefined
      const span = { buffer, start, end, offset: queue.fetchedTo, logEnd }
      this.#append(queue, span, { aborted, checkCrc: settings.checkCrc, gate: this.#gateOf(queue) })
    }
    queue.end = Math.max(logEnd, queue.fetchedTo)
  }

  #gateOf(queue: FetchQueue): DecodeGate {
    return {
      mayOpen: bytes => this.#decodeBudget.mayOpen(queue, bytes),
      handedOut: bytes => this.#decodeBudget.handedOut(bytes),
    }
  }

  #append(queue: FetchQueue, span: FetchedSpan, options: FetchedOptions): void {
    try {
      const fetched = new FetchedRecords(span, options)
      if (fetched.bytes > 0) queue.append(fetched)
      // Only the first partition of a response is sure to get a whole batch. Where the batch was cut off, the
      // next request asks for as much as it needs.
      queue.batchBytes = fetched.cutBatchBytes ?? 0
    } catch (reason) {
      const cause = errorFrom(reason)
      const message = `${nameOf(queue)} at offset ${span.offset}: ${cause.message}`
      this.#fail([queue], malformedError(message, cause, [placeOf(queue)]))
    }
  }

  #refused(queue: FetchQueue, errorCode: number): void {
    if (errorCode === OFFSET_OUT_OF_RANGE) {
      return this.#fail([queue], offsetOutOfRange(queue, 'the broker has no such offset'))
    }
    if (!RETRIABLE.has(errorCode) && !UNKNOWN.has(errorCode)) {
      return this.#fail([queue], protocolError(errorCode, `reading ${nameOf(queue)}`, [placeOf(queue)]))
    }
    queue.retryAtMs = this.#options.clock.monotonicMs() + retryMs(queue.failures)
    queue.failures += 1
    this.#finder.askSoon()
  }

  /** Reports the error once for all queues; one with records left reports it after these. */
  #fail(queues: readonly FetchQueue[], error: BrokerError): void {
    let isReported = true
    for (const queue of [...queues]) {
      if (queue.failure) continue
      queue.failure = error
      this.#readers.move(queue, undefined)
      if (queue.isEmpty) isReported = false
    }
    if (!isReported) this.#report(error)
  }

  #report(error: BrokerError): void {
    if (!this.#errors.includes(error)) this.#errors.push(error)
    this.#options.wake()
  }
}
