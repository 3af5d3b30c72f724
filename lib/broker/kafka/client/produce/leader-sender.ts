import { errorFrom } from '../../../../common/errors/errors.ts'
import { BrokerError } from '../../../broker-error.ts'
import { PartitionMap } from '../../protocol/partition-map.ts'
import { MalformedError } from '../../protocol/malformed-error.ts'
import type { LeaderClient } from '../connection/leaders.ts'
import { LeaderLoop, type LeaderConnectionOptions } from '../connection/leader-loop.ts'
import type { OpenConnection } from '../connection/open-connection.ts'
import { nameOf } from '../connection/retriable-errors.ts'
import { commonVersion, PRODUCE } from '../../protocol/protocol.ts'
import type { OutgoingBatch } from './outgoing-batch.ts'
import { writeProduceRequest } from './produce-request.ts'
import { readProduceResponse, type ProducedPartition } from './produce-response.ts'
import type { ProduceSettings } from './produce-settings.ts'
import type { SendQueue } from './send-queue.ts'

/** A batch in flight, and its queue. */
export interface SentBatch {
  readonly queue: SendQueue
  readonly batch: OutgoingBatch
}

/** Settings of a leader's sender, and calls to the `RecordSender` that owns it. */
export interface LeaderSenderOptions extends LeaderConnectionOptions {
  readonly settings: ProduceSettings
  readonly transactionalId: string | undefined
  /** Whether the first batch of the queue may be sent. */
  isReady(queue: SendQueue): boolean
  /** Whether a batch that is ready should not wait for more records. */
  isDue(queue: SendQueue): boolean
  /** The first batch of the queue, sealed and stamped. It is in flight from now on. */
  take(queue: SendQueue): OutgoingBatch
  answered(sent: SentBatch, answer: ProducedPartition): void
  /** There is no answer, so the batches may be written or not. */
  unanswered(sent: readonly SentBatch[]): void
  /** The connection was lost, or could not be opened; the sender tries again. */
  lost(error: BrokerError): void
  /** The queues cannot be sent: the error is not retriable. */
  failed(queues: readonly SendQueue[], error: BrokerError): void
  /** Nothing is due: the sender waits for a `kick`. */
  rests(): void
}

/**
 * Sends to the partitions that one node leads. One request is under way at a time, with the first batch of
 * every partition: so the batches of a partition stay in order whatever happens, and records that come
 * meanwhile make the next batch larger.
 */
export class LeaderSender implements LeaderClient<SendQueue> {
  readonly queues = new Set<SendQueue>()
  readonly #options: LeaderSenderOptions
  readonly #loop: LeaderLoop
  /** Index of the queue that comes first in the next request, where not all batches fit into one. */
  #turn = 0

  constructor(options: LeaderSenderOptions) {
    this.#options = options
    this.#loop = new LeaderLoop(options, {
      hasWork: () => this.#hasWork(),
      step: open => this.#send(open),
      stepFailed: reason => this.#sendFailed(reason),
      rests: () => this.#options.rests(),
    })
  }

  /** Whether the sender looks for more to send by itself, and calls `rests` where nothing is due. */
  get isRunning(): boolean {
    return this.#loop.isRunning
  }

  /** To be called when there may be something to send. */
  kick(): void {
    this.#loop.kick()
  }

  close(): void {
    this.#loop.close()
  }

  #hasWork(): boolean {
    const { isReady, isDue } = this.#options
    for (const queue of this.queues) if (isReady(queue) && isDue(queue)) return true
    return false
  }

  async #send({ connection, versions }: OpenConnection): Promise<void> {
    const { settings, connect, transactionalId } = this.#options
    const version = commonVersion(PRODUCE, versions, connection.address)
    const sent = this.#take()
    if (sent.length === 0) return
    const targets = sent.map(({ queue: { topic, partition }, batch: { wireBytes } }) => ({
      topic,
      partition,
      bytes: wireBytes,
    }))
    const timeoutMs = settings.replicationTimeoutMs
    const request = { transactionalId: transactionalId ?? null, timeoutMs, targets }
    let answers: readonly ProducedPartition[]
    try {
      const limitMs = connect.settings.requestTimeoutMs + timeoutMs
      const reader = await connection.request(PRODUCE, version, limitMs, writer =>
        writeProduceRequest(writer, request),
      )
      answers = matchAnswers(sent, readProduceResponse(reader, version))
    } catch (reason) {
      this.#options.unanswered(sent)
      throw reason
    }
    sent.forEach((each, index) => this.#options.answered(each, answers[index]!))
  }

  /**
   * Takes the batches of a request. Where not all fit, the next request begins with the first that did not.
   */
  #take(): SentBatch[] {
    const { settings, isReady, take } = this.#options
    const queues = [...this.queues]
    const sent: SentBatch[] = []
    let bytes = 0
    for (let step = 0; step < queues.length; step += 1) {
      const queue = queues[(this.#turn + step) % queues.length]!
      if (!isReady(queue)) continue
      if (sent.length > 0 && bytes + queue.head!.sealedBytes > settings.requestBytesMax) {
        this.#turn = (this.#turn + step) % queues.length
        break
      }
      const batch = take(queue)
      bytes += batch.wireBytes.length
      sent.push({ queue, batch })
    }
    return sent
  }

  #sendFailed(reason: unknown): void {
    const error = errorFrom(reason)
    if (error instanceof BrokerError && error.class !== 'retriable') {
      return this.#options.failed([...this.queues], error)
    }
    // An answer that makes no sense is no answer: the batches are sent again, and the broker recognises those
    // that it has.
    this.#options.lost(
      error instanceof BrokerError
        ? error
        : new BrokerError('BROKER_UNREACHABLE', 'retriable', `sending failed: ${error.message}`, {
            cause: error,
          }),
    )
  }
}

/** The answers in the order of the batches, which brokers do not keep. */
function matchAnswers(
  sent: readonly SentBatch[],
  answers: readonly ProducedPartition[],
): ProducedPartition[] {
  const byPlace = new PartitionMap<ProducedPartition>()
  for (const answer of answers) byPlace.set(answer, answer)
  const matched = sent.map(({ queue }) => {
    const answer = byPlace.delete(queue)
    if (!answer) throw new MalformedError(`no answer about ${nameOf(queue)}`)
    return answer
  })
  if (answers.length > sent.length) {
    throw new MalformedError(`${answers.length} answers to ${sent.length} batches`)
  }
  return matched
}
