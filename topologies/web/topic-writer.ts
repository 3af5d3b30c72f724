import { Buffer } from 'node:buffer'
import { partitionForKey, serdes, type BrokerError, type Producer, type ServiceContext } from 'millrace'

/**
 * Writes JSON values by key to one topic, each to the partition where every Kafka client puts that key. One
 * idempotent producer for all.
 */
export class TopicWriter<V> implements AsyncDisposable {
  readonly #topic: string
  readonly #partitionCount: number
  readonly #producer: Producer
  readonly #refusals: Map<string, BrokerError>
  readonly #clock: ServiceContext['clock']
  readonly #serde = serdes.json<V>()
  #current: Promise<void> = Promise.resolve()
  #next: Promise<void> | undefined

  private constructor(
    { topic, partitionCount }: { readonly topic: string; readonly partitionCount: number },
    producer: Producer,
    refusals: Map<string, BrokerError>,
    clock: ServiceContext['clock'],
  ) {
    this.#topic = topic
    this.#partitionCount = partitionCount
    this.#producer = producer
    this.#refusals = refusals
    this.#clock = clock
  }

  /** Rejects where the topic does not exist. */
  static async open<V>(
    topic: string,
    { broker, clock, applicationId }: ServiceContext,
  ): Promise<TopicWriter<V>> {
    const admin = await broker.admin()
    try {
      const partitionCount = (await admin.describeTopics([topic])).get(topic)?.partitionCount
      if (partitionCount === undefined) throw new Error(`topic ${topic} does not exist: create it first`)
      const refusals = new Map<string, BrokerError>()
      const producer = await broker.producer({
        clientId: `${applicationId}-${topic}-writer`,
        onSendError(error, { key }) {
          if (key) refusals.set(Buffer.from(key).toString('utf8'), error)
          return 'continue'
        },
      })
      return new TopicWriter<V>({ topic, partitionCount }, producer, refusals, clock)
    } finally {
      await admin.close()
    }
  }

  /** Resolves when the record is acknowledged; null deletes the key. Rejects with what the broker refused. */
  async put(key: string, value: V | null): Promise<void> {
    if (!this.#producer.writable) await this.#producer.drained()
    const keyBytes = Buffer.from(key, 'utf8')
    this.#producer.send({
      topic: this.#topic,
      partition: partitionForKey(keyBytes, this.#partitionCount),
      key: keyBytes,
      value: value === null ? null : this.#serde.serialize(value, { topic: this.#topic }),
      timestamp: this.#clock.nowMs(),
      headers: [],
    })
    this.#next ??= this.#flushNext()
    await this.#next
    const refusal = this.#refusals.get(key)
    this.#refusals.delete(key)
    if (refusal) throw refusal
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#producer.close()
  }

  /** One flush at a time: whoever writes while it runs shares the next one. */
  async #flushNext(): Promise<void> {
    await this.#current.catch(() => undefined)
    this.#current = this.#next ?? this.#current
    this.#next = undefined
    await this.#producer.flush()
  }
}
