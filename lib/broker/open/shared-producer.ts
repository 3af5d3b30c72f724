import type { Clock } from '../../common/clock.ts'
import type { Broker, OutgoingRecord, Producer } from '../broker.ts'

const CLIENT_ID = 'millrace-topics'

/**
 * The producer of all topic handles of a broker. It is opened with the first record, and again after a
 * failure. There is one flush at a time: each one covers the records since the one before.
 */
export class SharedProducer {
  readonly #broker: Broker
  readonly #clock: Clock
  #opening: Promise<Producer> | undefined
  /** The next flush, which begins when this turn of the event loop and the last flush are over. */
  #next: Promise<void> | undefined
  #last: Promise<void> = Promise.resolve()

  constructor(broker: Broker, clock: Clock) {
    this.#broker = broker
    this.#clock = clock
  }

  /** Sends a record. Resolves when it is acknowledged. */
  async send(record: OutgoingRecord): Promise<void> {
    await this.take(record)
    await this.acknowledged()
  }

  /** Takes a record to send. Resolves when there is room for more. */
  async take(record: OutgoingRecord): Promise<void> {
    const producer = await this.#open()
    if (!producer.writable) await producer.drained()
    producer.send(record)
  }

  /** Resolves when all records so far are acknowledged; rejects where one was refused. */
  acknowledged(): Promise<void> {
    return (this.#next ??= this.#flush())
  }

  async close(): Promise<void> {
    // Records in flight are acknowledged or refused first.
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
    // Records that are taken from now on belong to the next flush.
    this.#next = undefined
    const opening = this.#opening
    const producer = await this.#open()
    const flushing = producer.flush()
    this.#last = flushing.catch(() => undefined)
    try {
      await flushing
    } catch (error) {
      // The producer may have failed for good, so the next record opens another one.
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
