import type { Admin, Broker, Consumer, OffsetToCommit, Producer } from '../../broker/broker.ts'
import { BrokerError } from '../../broker/broker-error.ts'
import { present } from '../../common/assert.ts'
import { copyBytes } from '../../common/bytes.ts'
import type { Clock } from '../../common/clock.ts'
import { partitionKey, type TaskId } from '../../common/ids.ts'
import type { Logger } from '../../common/logger.ts'
import { Semaphore } from '../../common/semaphore.ts'
import type { ChangelogRecord } from '../../store/contract/state-store.ts'
import { withMark } from './changelog-marks.ts'
import { lostError, type Refill } from './restore-plan.ts'
import type { RuntimeSettings } from '../plan/settings.ts'
import type { StateManager } from './state-manager.ts'

export interface ChangelogRefillOptions {
  readonly broker: Broker
  readonly admin: Admin
  readonly settings: RuntimeSettings
  readonly clock: Clock
  readonly logger: Logger
  /**
   * Returns the process id of the thread's producer, which names this process to the transaction coordinator.
   */
  readonly processId: () => string
}

/** A store of a task that is not started yet, and the proof that the task is ours. */
export interface RefillRequest extends Refill {
  readonly taskId: TaskId
  readonly partition: number
  readonly state: StateManager
  readonly committed: ReadonlyMap<string, OffsetToCommit>
  readonly consumer: Consumer
  readonly signal: AbortSignal
}

/** Records of one transaction. */
const RECORDS_MAX = 1_000
const BYTES_MAX = 1024 * 1024
const RETRY_MS = 50

/**
 * Sends a store's rows to its changelog, which has lost its records. Each transaction commits an offset of
 * the task again, so that a process that has lost the task meanwhile is refused; the last one marks it
 * (`changelog-marks`): now others may restore from the topic. The store's position in the topic is written
 * after that: a process that ends before begins anew, and records that are sent twice do no harm.
 */
export class ChangelogRefill {
  readonly #options: ChangelogRefillOptions
  /** Refills take turns: they share a transactional id. */
  readonly #turns = new Semaphore(1)

  constructor(options: ChangelogRefillOptions) {
    this.#options = options
  }

  /** Throws `CHANGELOG_LOST` where the rows of the store do not tell its records. */
  async fill(request: RefillRequest): Promise<void> {
    const { state, storeName, topic, partition, signal } = request
    const { clock, admin, logger } = this.#options
    const store = present(state.store(storeName), `store ${storeName}`)
    if (!store.content) throw lostError(request, request, 'records of this kind of store cannot be made anew')
    await state.refilling(storeName, topic)
    const content = store.content(clock.nowMs())
    let sent = 0
    await this.#turns.take(signal, async () => {
      sent = await this.#send(content, request)
    })
    const place = { topic, partition }
    const end = (await admin.endOffsets([place], 'read_uncommitted')).get(partitionKey(topic, partition))
    await state.restored(new Map([[topic, present(end, `end of ${topic}`)]]), clock.nowMs())
    logger.log('info', `the changelog ${partitionKey(topic, partition)} is filled again: ${sent} records`)
  }

  async #send(content: AsyncIterable<ChangelogRecord>, request: RefillRequest): Promise<number> {
    const producer = await this.#openProducer()
    try {
      let sent = 0
      let records = 0
      let bytes = 0
      for await (const record of content) {
        request.signal.throwIfAborted()
        if (records === 0) await this.#begin(producer)
        bytes += sendTo(producer, record, request)
        records += 1
        if (!producer.writable) await producer.drained()
        if (records < RECORDS_MAX && bytes < BYTES_MAX) continue
        await this.#end(producer, request)
        sent += records
        records = bytes = 0
      }
      if (records === 0) await this.#begin(producer)
      await this.#endMarked(producer, request)
      return sent + records
    } catch (error) {
      // Without the abort, the offset in the transaction stays undecided, and the next owner waits, until it
      // times out.
      if (this.#isExactlyOnce) await producer.abortTransaction().catch(() => undefined)
      throw error
    } finally {
      await producer.close()
    }
  }

  async #openProducer(): Promise<Producer> {
    const { broker, settings, processId } = this.#options
    const { applicationId, clientId, transactionTimeoutMs } = settings
    const transactionalId = `${applicationId}-${processId()}-refill`
    const producer = await broker.producer({
      clientId: `${clientId}-refill`,
      ...(this.#isExactlyOnce ? { transactionalId, transactionTimeoutMs } : {}),
    })
    try {
      if (this.#isExactlyOnce) await producer.initTransactions()
      return producer
    } catch (error) {
      await producer.close()
      throw error
    }
  }

  get #isExactlyOnce(): boolean {
    return this.#options.settings.processingGuarantee === 'exactly-once'
  }

  async #begin(producer: Producer): Promise<void> {
    if (this.#isExactlyOnce) await producer.begin()
  }

  async #end(producer: Producer, { committed, consumer }: RefillRequest): Promise<void> {
    const [offset] = committed.values()
    await this.#commit(producer, consumer, offset && [offset])
  }

  async #endMarked(producer: Producer, request: RefillRequest): Promise<void> {
    const { committed, consumer, state, storeName, topic } = request
    const topicId = state.topicIds.get(topic)
    const offsets = Array.from(committed.values(), offset =>
      topicId === undefined ? offset : withMark(offset, storeName, topicId),
    )
    await this.#commit(producer, consumer, offsets)
    // Under at-least-once the offsets are committed by a call of their own.
    if (!this.#isExactlyOnce && offsets.length > 0) await this.#retried(() => consumer.commit(offsets))
  }

  async #commit(producer: Producer, consumer: Consumer, offsets: OffsetToCommit[] = []): Promise<void> {
    if (!this.#isExactlyOnce) return this.#retried(() => producer.flush())
    if (offsets.length > 0) await this.#retried(() => producer.sendOffsets(offsets, consumer))
    await this.#retried(() => producer.commitTransaction())
  }

  async #retried(call: () => Promise<void>): Promise<void> {
    const { clock, settings } = this.#options
    const deadlineMs = clock.monotonicMs() + settings.transactionTimeoutMs
    for (;;) {
      try {
        return await call()
      } catch (error) {
        const mayPass = error instanceof BrokerError && error.class === 'retriable'
        if (!mayPass || clock.monotonicMs() > deadlineMs) throw error
        await clock.sleep(RETRY_MS)
      }
    }
  }
}

/** Sends a record; returns the number of its bytes. */
function sendTo(producer: Producer, record: ChangelogRecord, { topic, partition }: RefillRequest): number {
  const key = record.key && copyBytes(record.key)
  const value = record.value && copyBytes(record.value)
  const { timestamp, headers } = record
  producer.send({ topic, partition, key, value, timestamp: Math.max(0, timestamp), headers })
  return (key?.length ?? 0) + (value?.length ?? 0)
}
