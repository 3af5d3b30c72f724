import type { Clock, Timer } from '../../../../common/clock.ts'
import { BrokerError } from '../../../broker-error.ts'
import type { OutgoingRecord, RejectedRecord, TopicPartition } from '../../../broker.ts'
import type { Cluster } from '../connection/cluster.ts'
import { LeaderFinder } from '../connection/leader-finder.ts'
import type { ConnectOptions } from '../connection/open-connection.ts'
import { nameOf, placeOf, retryMs } from '../connection/retriable-errors.ts'
import { protocolError } from '../../protocol/protocol-error.ts'
import { Leaders } from '../connection/leaders.ts'
import { LeaderSender, type SentBatch } from './leader-sender.ts'
import { OutgoingBatch, recordBytesMax, type ProducerIdentity } from './outgoing-batch.ts'
import type { ProducedPartition } from './produce-response.ts'
import type { ProduceSettings } from './produce-settings.ts'
import { SendQueue } from './send-queue.ts'
import { SlabPool } from './slab-pool.ts'
import { splitBatch } from './split-batch.ts'
import { Unacknowledged } from './unacknowledged.ts'
import { mayHaveBeenWritten } from '../../protocol/kafka-error-codes.ts'
import { batchAnswer } from './batch-answer.ts'

/** How often a leader may answer a batch with an unknown partition. */
const UNKNOWN_ATTEMPTS = 5
const EXPIRY_MS = 1_000
const MESSAGE_TOO_LARGE = 10

export interface RecordSenderOptions {
  readonly clock: Clock
  readonly cluster: Cluster
  readonly connect: ConnectOptions
  readonly settings: ProduceSettings
  readonly transactionalId: string | undefined
  /** Logs a message. */
  readonly notify: (message: string) => void
  /** Whether the partition was added to the transaction. */
  isInTransaction(queue: SendQueue): boolean
  /**
   * Adds the partition to the transaction, and leads to a `kick` when that is done. It is called again when
   * the partition has a leader.
   */
  addToTransaction(queue: SendQueue): void
  /** Refuses a record. `isHeld`: it waited for the next transaction, and fails that one. */
  reject(error: BrokerError, record: RejectedRecord, isHeld: boolean): void
  /** The broker refuses the sequence number or the identity for this partition. */
  sequenceError(error: BrokerError, queue: SendQueue): void
  /** A batch was given up that may be in the log. */
  givenUpWithUnknownOutcome(queue: SendQueue): void
}

/**
 * Sends records to the leaders of their partitions, with a queue of batches for each partition and a
 * `LeaderSender` for each leader's node. `append` only writes into a batch; the rest is asynchronous.
 */
export class RecordSender {
  /** The identity for partitions without one of their own; without it they are not sent. */
  #identity: ProducerIdentity | undefined
  readonly #options: RecordSenderOptions
  readonly #settings: ProduceSettings
  readonly #clock: Clock
  readonly #topics = new Map<string, SendQueue[]>()
  /** The topic of the last record, and below its queues: the next record is mostly for the same one. */
  #lastTopic: string | undefined
  #lastQueues: SendQueue[] | undefined
  /** Queues that are not empty. */
  readonly #active = new Set<SendQueue>()
  readonly #senders = new Leaders<SendQueue, LeaderSender>(node => this.#newSender(node))
  readonly #finder: LeaderFinder<SendQueue>
  readonly #pool: SlabPool
  readonly #unacknowledged: Unacknowledged
  #nextNumber = 1
  /** Batches from this number on wait for the next transaction. */
  #heldFrom = Infinity
  #inFlight = 0
  #idle: (() => void)[] = []
  #isHalted = false
  #isClosed = false
  #timer: Timer | undefined
  #wakeAtMs = Infinity
  #expiry: Timer | undefined

  constructor(options: RecordSenderOptions) {
    this.#options = options
    const { clock, cluster, settings, notify } = options
    this.#clock = clock
    this.#settings = settings
    this.#pool = new SlabPool(settings.queuedBytesMax)
    this.#unacknowledged = new Unacknowledged(settings.queuedBytesMax)
    this.#finder = new LeaderFinder({
      clock,
      cluster,
      notify,
      doing: 'sending',
      queues: () => [...this.#active],
      moveTo: (queue, node) => this.#moveTo(queue, node),
      placed: () => this.kick(),
      fail: (queues, error) => this.#rejectAll(queues, error),
    })
  }

  get writable(): boolean {
    return this.#unacknowledged.hasRoom
  }

  drained(): Promise<void> {
    return this.#unacknowledged.drained()
  }

  get identity(): ProducerIdentity | undefined {
    return this.#identity
  }

  /** Sets the identity, undefined while there is none. A partition keeps the one that it began with. */
  setIdentity(identity: ProducerIdentity | undefined): void {
    this.#identity = identity
    if (identity) this.kick()
  }

  /** Begins the sequence numbers of all partitions anew. Nothing may be in flight. */
  forgetSequences(): void {
    for (const queues of this.#topics.values())
      for (const queue of queues) if (queue) queue.identity = undefined
  }

  /** Throws an error of class `record-refused` where the record is too large. */
  append(record: OutgoingRecord): void {
    const { key, value } = record
    const bytes = (key === null ? 0 : key.length) + (value === null ? 0 : value.length)
    if (bytes > this.#settings.recordBytesMax) throw tooLarge(record, bytes, this.#settings)
    if (this.#isHalted) return
    const queue = this.#queuesOf(record.topic)?.[record.partition] ?? this.#newQueue(record)
    const bytesMax = recordBytesMax(record)
    let batch = queue.open
    const { batchBytesMax, batchRecordsMax } = this.#settings
    if (batch === undefined || batch.bytes + bytesMax > batchBytesMax || batch.count >= batchRecordsMax) {
      batch = this.#openBatch(queue, bytesMax)
    }
    this.#unacknowledged.grown(batch.append(record, bytesMax))
  }

  /** Makes records that are appended from now on wait for `release`. */
  hold(): void {
    for (const queue of this.#active) queue.closeOpen()
    this.#heldFrom = this.#nextNumber
  }

  release(): void {
    const nowMs = this.#clock.monotonicMs()
    for (const queue of this.#active)
      for (const batch of queue.batches()) if (this.#isHeld(batch)) batch.sendableSinceMs = nowMs
    this.#heldFrom = Infinity
    for (const queue of this.#active) this.#addToTransaction(queue)
    this.kick()
  }

  /** Ends the lingering of records that are not held. */
  pushOut(): void {
    for (const queue of this.#active) if (queue.open && !this.#isHeld(queue.open)) queue.closeOpen()
    this.kick()
  }

  /** Resolves when all records that are not held are acknowledged, refused or dropped. */
  flush(): Promise<void> {
    this.pushOut()
    return this.#unacknowledged.over(Math.min(this.#nextNumber, this.#heldFrom) - 1)
  }

  kick(): void {
    this.#senders.kick()
    this.#scheduleWake()
  }

  /** Drops the batches that are not in flight, and whatever is appended until `resume`. */
  halt(): void {
    this.#isHalted = true
    for (const queue of [...this.#active]) {
      for (const batch of queue.batches()) if (batch !== queue.inFlight) this.#giveUp(queue, batch)
    }
  }

  /** Resolves when no batch is in flight: each was answered, or has lost its connection. */
  idle(): Promise<void> {
    return new Promise(resolve => {
      if (this.#inFlight === 0) resolve()
      else this.#idle.push(resolve)
    })
  }

  resume(): void {
    this.#isHalted = false
  }

  /** Refuses the records of a partition that are not in flight. */
  rejectQueue(queue: SendQueue, error: BrokerError): void {
    this.#rejectAll([queue], error)
  }

  /** Drops all records; pending calls of `flush` reject with the error. */
  close(error: BrokerError): void {
    this.#isClosed = true
    this.#isHalted = true
    this.#timer?.cancel()
    this.#expiry?.cancel()
    this.#finder.close()
    this.#senders.close()
    this.#unacknowledged.close(error)
    for (const resolve of this.#idle.splice(0)) resolve()
  }

  #queuesOf(topic: string): SendQueue[] | undefined {
    if (topic === this.#lastTopic) return this.#lastQueues
    const queues = this.#topics.get(topic)
    if (queues) [this.#lastTopic, this.#lastQueues] = [topic, queues]
    return queues
  }

  #newQueue({ topic, partition }: OutgoingRecord): SendQueue {
    if (!Number.isInteger(partition) || partition < 0) {
      throw new TypeError(`a record for ${topic} has the partition ${partition}`)
    }
    const queue = new SendQueue(topic, partition)
    const queues = this.#topics.get(topic)
    if (queues) queues[partition] = queue
    else {
      const first: SendQueue[] = []
      first[partition] = queue
      this.#topics.set(topic, first)
    }
    return queue
  }

  #openBatch(queue: SendQueue, bytes: number): OutgoingBatch {
    const wasEmpty = queue.isEmpty
    queue.closeOpen()
    const batch = this.#newBatch(this.#nextNumber, Math.max(queue.usualBytes, bytes))
    this.#nextNumber += 1
    queue.open = batch
    if (wasEmpty) this.#activate(queue)
    else this.#senders.of(queue)?.kick()
    return batch
  }

  #newBatch(number: number, bytes: number): OutgoingBatch {
    const batch = new OutgoingBatch(number, this.#clock.monotonicMs(), this.#pool, bytes)
    this.#unacknowledged.add(batch)
    return batch
  }

  #activate(queue: SendQueue): void {
    this.#active.add(queue)
    this.#addToTransaction(queue)
    if (queue.leader === undefined) this.#finder.place()
    this.#wakeBy(this.#clock.monotonicMs() + this.#settings.lingerMs)
    this.#expiry ??= this.#clock.schedule(EXPIRY_MS, () => this.#expire(), { keepsAlive: false })
  }

  #moveTo(queue: SendQueue, node: number | undefined): void {
    if (this.#senders.move(queue, node) && node !== undefined) this.#addToTransaction(queue)
  }

  #isHeld({ number }: OutgoingBatch): boolean {
    return number >= this.#heldFrom
  }

  #addToTransaction(queue: SendQueue): void {
    if (queue.isEmpty || this.#isHeld(queue.head!)) return
    if (!this.#options.isInTransaction(queue)) this.#options.addToTransaction(queue)
  }

  #newSender(node: number): LeaderSender {
    const { cluster, connect, settings, transactionalId } = this.#options
    return new LeaderSender({
      node,
      cluster,
      connect,
      settings,
      transactionalId,
      isReady: queue => this.#isReady(queue),
      isDue: queue => this.#isDue(queue),
      take: queue => this.#take(queue),
      answered: (sent, answer) => this.#answered(sent, answer),
      unanswered: sent => this.#unanswered(sent),
      lost: error => {
        this.#options.notify(error.message)
        this.#finder.askSoon()
      },
      failed: (queues, error) => this.#rejectAll(queues, error),
      rests: () => this.#scheduleWake(),
    })
  }

  #isReady(queue: SendQueue): boolean {
    if (this.#isHalted || queue.inFlight || queue.isEmpty || this.#isHeld(queue.head!)) return false
    if (!queue.identity && !this.#identity) return false
    if (queue.retryAtMs > 0 && queue.retryAtMs > this.#clock.monotonicMs()) return false
    return this.#options.isInTransaction(queue)
  }

  #isDue(queue: SendQueue): boolean {
    return queue.hasFull || queue.head!.openedAtMs + this.#settings.lingerMs <= this.#clock.monotonicMs()
  }

  #take(queue: SendQueue): OutgoingBatch {
    if (!queue.hasFull) queue.closeOpen()
    const batch = queue.head!
    batch.seal(this.#settings.codec)
    if (!queue.identity) {
      queue.identity = this.#identity
      queue.nextSequence = 0
    }
    // A batch that is sent again must be the same bytes, or the broker would not recognise it.
    if (batch.identity !== queue.identity || batch.sequence !== queue.nextSequence) {
      batch.stamp(queue.identity!, queue.nextSequence, this.#options.transactionalId !== undefined)
    }
    batch.unknownOutcomes += 1
    queue.inFlight = batch
    this.#inFlight += 1
    return batch
  }

  #answered({ queue, batch }: SentBatch, { errorCode, message }: ProducedPartition): void {
    queue.inFlight = undefined
    const answer = batchAnswer(errorCode, batch.failures)
    if (answer === 'accepted') {
      batch.unknownOutcomes = 0
      queue.unknownAnswers = 0
      queue.accepted(batch)
      this.#finish(queue, batch)
      return this.#requestDone()
    }
    // A batch that is refused for its records was not written by an earlier attempt either.
    if (answer === 'split') batch.unknownOutcomes = 0
    else if (!mayHaveBeenWritten(errorCode)) batch.unknownOutcomes -= 1
    batch.failures += 1
    const again = answer === 'again' || (answer === 'unknown-partition' && batch.failures < UNKNOWN_ATTEMPTS)
    if (this.#isHalted) this.#giveUp(queue, batch)
    else if (again) this.#sendAgain(queue, batch)
    else if (answer === 'split' && batch.count > 1) this.#split(queue, batch)
    else {
      const error = protocolError(
        errorCode,
        `sending to ${nameOf(queue)}`,
        [placeOf(queue)],
        message ?? undefined,
      )
      if (answer === 'sequence-error') this.#options.sequenceError(error, queue)
      else this.#refuse(queue, batch, error)
    }
    this.#requestDone()
  }

  #unanswered(sent: readonly SentBatch[]): void {
    for (const { queue, batch } of sent) {
      queue.inFlight = undefined
      if (this.#isHalted && !this.#isClosed) this.#giveUp(queue, batch)
      this.#requestDone()
    }
  }

  #requestDone(): void {
    this.#inFlight -= 1
    if (this.#inFlight === 0) for (const resolve of this.#idle.splice(0)) resolve()
  }

  #sendAgain(queue: SendQueue, batch: OutgoingBatch): void {
    queue.retryAtMs = this.#clock.monotonicMs() + retryMs(batch.failures - 1)
    this.#finder.askSoon()
  }

  /**
   * Splits a batch that was refused, so that in the end only the record at fault is. A refused batch has
   * taken no sequence numbers.
   */
  #split(queue: SendQueue, batch: OutgoingBatch): void {
    const parts = splitBatch(batch, placeOf(queue), bytes => this.#newBatch(batch.number, bytes))
    for (const part of parts) this.#unacknowledged.grown(part.recordBytes)
    queue.replaceHead(parts)
    this.#over(batch)
  }

  #rejectAll(queues: Iterable<SendQueue>, error: BrokerError): void {
    for (const queue of [...queues]) {
      queue.unknownAnswers = 0
      for (const batch of queue.batches()) {
        if (batch !== queue.inFlight) this.#refuse(queue, batch, error)
      }
    }
  }

  #refuse(queue: SendQueue, batch: OutgoingBatch, error: BrokerError): void {
    const { topic, partition } = queue
    const isHeld = this.#isHeld(batch)
    batch.seal(this.#settings.codec)
    for (const { key, value, timestamp } of batch.records()) {
      const valueBytes = value?.length ?? 0
      this.#options.reject(error, { topic, partition, key, timestamp, valueBytes }, isHeld)
    }
    this.#giveUp(queue, batch)
  }

  #giveUp(queue: SendQueue, batch: OutgoingBatch): void {
    if (batch.unknownOutcomes > 0) this.#options.givenUpWithUnknownOutcome(queue)
    this.#finish(queue, batch)
  }

  #finish(queue: SendQueue, batch: OutgoingBatch): void {
    queue.retryAtMs = 0
    queue.remove(batch)
    if (queue.isEmpty) this.#active.delete(queue)
    this.#over(batch)
  }

  #over(batch: OutgoingBatch): void {
    // The socket of a lost connection may still use the memory of a batch without an answer.
    if (batch.unknownOutcomes === 0) batch.release()
    this.#unacknowledged.remove(batch, batch.recordBytes)
  }

  /** Gives up the records whose delivery timeout is over. */
  #expire(): void {
    this.#expiry = undefined
    if (this.#active.size === 0) return
    const { deliveryTimeoutMs } = this.#settings
    const before = this.#clock.monotonicMs() - deliveryTimeoutMs
    for (const queue of [...this.#active]) {
      for (const batch of queue.batches()) {
        if (batch === queue.inFlight || this.#isHeld(batch) || batch.sendableSinceMs > before) continue
        const why = `not acknowledged within ${deliveryTimeoutMs} ms`
        this.#refuse(queue, batch, timedOut(queue, why))
      }
    }
    this.#expiry = this.#clock.schedule(EXPIRY_MS, () => this.#expire(), { keepsAlive: false })
  }

  /** Sets the timer for batches that become due by time: after lingering, or after a backoff. */
  #scheduleWake(): void {
    const nowMs = this.#clock.monotonicMs()
    let atMs = Infinity
    for (const queue of this.#active) {
      if (queue.inFlight || this.#isHeld(queue.head!)) continue
      const dueMs = Math.max(
        queue.retryAtMs,
        queue.hasFull ? 0 : queue.head!.openedAtMs + this.#settings.lingerMs,
      )
      if (dueMs < atMs && (dueMs > nowMs || this.#isLeftAlone(queue))) atMs = dueMs
    }
    if (atMs < Infinity) this.#wakeBy(atMs)
  }

  /**
   * Whether a queue that is due has no running sender: its sender may have rested a fraction of a millisecond
   * before the queue became due.
   */
  #isLeftAlone(queue: SendQueue): boolean {
    const sender = this.#senders.of(queue)
    return sender !== undefined && !sender.isRunning && this.#isReady(queue)
  }

  #wakeBy(atMs: number): void {
    if (this.#wakeAtMs <= atMs || this.#isClosed) return
    this.#timer?.cancel()
    this.#wakeAtMs = atMs
    const delayMs = Math.max(0, Math.ceil(atMs - this.#clock.monotonicMs()))
    this.#timer = this.#clock.schedule(delayMs, () => {
      this.#wakeAtMs = Infinity
      this.kick()
    })
  }
}

function tooLarge(record: OutgoingRecord, bytes: number, { recordBytesMax }: ProduceSettings): BrokerError {
  const why = `${bytes} bytes of key and value, ${recordBytesMax} are allowed (message.max.bytes)`
  const doing = `sending a record to ${nameOf(record)}`
  return protocolError(MESSAGE_TOO_LARGE, doing, [placeOf(record)], why)
}

/**
 * The error for a batch whose delivery timeout is over, by librdkafka's name, since the protocol has none. It
 * is abortable: the application decides whether to send the records again.
 */
function timedOut(queue: TopicPartition, why: string): BrokerError {
  const message = `${why} (MESSAGE_TIMED_OUT) while sending to ${nameOf(queue)}`
  return new BrokerError('MESSAGE_TIMED_OUT', 'abortable', message, { partitions: [placeOf(queue)] })
}
