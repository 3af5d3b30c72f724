import type { Clock } from '../../common/clock.ts'
import type { Broker, OutgoingRecord, Producer } from '../broker.ts'

const CLIENT_ID = 'millrace-topics'

/**
 * One producer for all who write to topics by hand, opened with the first record and anew after a failure.
 * Flushes follow each other: each one tells of the records that were taken since the one before.
 */
export class SharedProducer {
  readonly #broker: Broker
  readonly #clock: Clock
  #opening: Promise<Producer> | undefined
  /** The flush of what is taken now; begins when the turn is over and the last one has ended. */
  #next: Promise<void> | undefined
  #last: Promise<void> = Promise.resolve()

  constructor(broker: Broker, clock: Clock) {
    this.#broker = broker
    this.#clock = clock
  }

  /** Resolves when the record is acknowledged. */
  async send(record: OutgoingRecord): Promise<void> {
    await this.take(record)
    await this.acknowledged()
  }

  /** Resolves when there is room for more. */
  async take(record: OutgoingRecord): Promise<void> {
    const producer = await this.#open()
    if (!producer.writable) await producer.drained()
    producer.send(record)
  }

  /** Resolves when all that was taken so far is acknowledged; rejects where some of it was refused. */
  acknowledged(): Promise<void> {
    return (this.#next ??= this.#flush())
  }

  async close(): Promise<void> {
    // What is on its way comes to its end, one way or the other.
    await this.#next?.catch(() => undefined)
    await this.#last
    const opening = this.#opening
    this.#opening = undefined
    if (!opening) return
    await (await opening.catch(() => undefined))?.close()
  }

  async #flush(): Promise<void> {
    await this.#clock.nextTurn()
    await this.#last
    // What is taken from now on is of the next one.
    this.#next = undefined
    const opening = this.#opening
    const producer = await this.#open()
    const flushing = producer.flush()
    this.#last = flushing.catch(() => undefined)
    try {
      await flushing
    } catch (error) {
      // It may be finished; the next record gets another.
      if (this.#opening === opening) this.#opening = undefined
      await producer.close()
      throw error
    }
  }

  #open(): Promise<Producer> {
    return (this.#opening ??= this.#broker.producer({ clientId: CLIENT_ID }).catch((error: unknown) => {
      this.#opening = undefined
      throw error
    }))
  }
}
