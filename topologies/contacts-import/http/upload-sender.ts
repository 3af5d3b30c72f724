import { Buffer } from 'node:buffer'
import type { BrokerError, Clock, OutgoingRecord, Producer, ServiceContext } from 'millrace'
import type { UploadRecord } from '../records.ts'
import { TOPICS } from '../topics.ts'
import { uploadSerde } from '../upload-serde.ts'

/**
 * What may be unacknowledged before the sender of a file is held back: the last byte's answer waits for no
 * more than that.
 */
const UNACKNOWLEDGED_BYTES_MAX = 1024 * 1024

/**
 * Writes uploads to their topic by one idempotent producer for all of them: opening one takes a native client
 * long. What the broker refuses is remembered by import, so that one upload's trouble is not another's.
 */
export class UploadSender implements AsyncDisposable {
  readonly #producer: Producer
  readonly #partitionCount: number
  readonly #refusals: Map<string, BrokerError>
  readonly #clock: Clock
  #unacknowledgedBytes = 0

  private constructor(
    producer: Producer,
    partitionCount: number,
    refusals: Map<string, BrokerError>,
    clock: Clock,
  ) {
    this.#producer = producer
    this.#partitionCount = partitionCount
    this.#refusals = refusals
    this.#clock = clock
  }

  static async open({ broker, clock, applicationId }: ServiceContext): Promise<UploadSender> {
    const refusals = new Map<string, BrokerError>()
    const admin = await broker.admin()
    try {
      const topics = await admin.describeTopics([TOPICS.uploads])
      const count = topics.get(TOPICS.uploads)?.partitionCount
      if (count === undefined) throw new Error(`topic ${TOPICS.uploads} does not exist: create it first`)
      const producer = await broker.producer({
        clientId: `${applicationId}-uploads`,
        onSendError(error, { key }) {
          if (key) refusals.set(Buffer.from(key).toString('utf8'), error)
          return 'continue'
        },
      })
      return new UploadSender(producer, count, refusals, clock)
    } finally {
      await admin.close()
    }
  }

  /** Throws what the broker has refused of this import before. */
  send(importId: string, record: UploadRecord): void {
    this.#throwRefusal(importId)
    const value = uploadSerde.serialize(record, { topic: TOPICS.uploads })
    this.#unacknowledgedBytes += value.length
    const outgoing: OutgoingRecord = {
      topic: TOPICS.uploads,
      partition: this.#partitionOf(importId),
      key: Buffer.from(importId, 'utf8'),
      value,
      timestamp: this.#clock.nowMs(),
      headers: [],
    }
    this.#producer.send(outgoing)
  }

  /**
   * Waits while too much is unacknowledged, or the producer is full: the sender of the file is held back by
   * it.
   */
  async room(): Promise<void> {
    if (this.#unacknowledgedBytes > UNACKNOWLEDGED_BYTES_MAX) await this.#flush()
    if (!this.#producer.writable) await this.#producer.drained()
  }

  /** Resolves when everything sent for this import is acknowledged. */
  async acknowledged(importId: string): Promise<void> {
    await this.#flush()
    this.#throwRefusal(importId)
  }

  /** The import's sending is over, well or not. */
  forget(importId: string): void {
    this.#refusals.delete(importId)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#producer.close()
  }

  async #flush(): Promise<void> {
    this.#unacknowledgedBytes = 0
    await this.#producer.flush()
  }

  #throwRefusal(importId: string): void {
    const refusal = this.#refusals.get(importId)
    if (refusal) throw refusal
  }

  /** All records of an import must lie in one partition; its id is random, so its digits spread. */
  #partitionOf(importId: string): number {
    return Number.parseInt(importId.slice(0, 8), 16) % this.#partitionCount
  }
}
