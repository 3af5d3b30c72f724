import type { Clock } from '../../common/clock.ts'
import type { Broker, OutgoingRecord, Producer } from '../broker.ts'
import { BrokerError } from '../broker-error.ts'

export interface TransactionalWriterOptions {
  readonly broker: Broker
  readonly clock: Clock
  readonly clientId: string
  /** Whoever opens a writer of the same id fences this one. */
  readonly transactionalId: string
}

/** How long a commit is asked for again that the brokers could not answer. */
const COMMIT_MS_MAX = 60_000
const RETRY_MS = 100

/**
 * Writes groups of records, each as one transaction: all of it, or nothing. A commit whose answer is lost is
 * asked for again; where that ends without one, the next writer of the id decides about the transaction when
 * it is opened, and what it reads then is what has come true.
 */
export class TransactionalWriter {
  readonly #producer: Producer
  readonly #clock: Clock

  private constructor(producer: Producer, clock: Clock) {
    this.#producer = producer
    this.#clock = clock
  }

  /** Ends what a writer of the same id has left open. */
  static async open(options: TransactionalWriterOptions): Promise<TransactionalWriter> {
    const { broker, clock, clientId, transactionalId } = options
    const producer = await broker.producer({ clientId, transactionalId, transactionTimeoutMs: COMMIT_MS_MAX })
    try {
      await producer.initTransactions()
      return new TransactionalWriter(producer, clock)
    } catch (error) {
      await producer.close()
      throw error
    }
  }

  /** Resolves when the records are committed. Rejects with a `BrokerError`; `fenced`: by another writer. */
  async write(records: Iterable<OutgoingRecord>): Promise<void> {
    await this.#producer.begin()
    try {
      for (const record of records) {
        if (!this.#producer.writable) await this.#producer.drained()
        this.#producer.send(record)
      }
      await this.#commit()
    } catch (error) {
      await this.#producer.abortTransaction().catch(() => undefined)
      throw error
    }
  }

  async close(): Promise<void> {
    await this.#producer.close()
  }

  async #commit(): Promise<void> {
    const deadlineMs = this.#clock.monotonicMs() + COMMIT_MS_MAX
    for (;;) {
      try {
        return await this.#producer.commitTransaction()
      } catch (error) {
        const mayPass = error instanceof BrokerError && error.class === 'retriable'
        if (!mayPass || this.#clock.monotonicMs() > deadlineMs) throw error
        await this.#clock.sleep(RETRY_MS)
      }
    }
  }
}
