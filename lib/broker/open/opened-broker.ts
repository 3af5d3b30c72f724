import type { Clock } from '../../common/clock.ts'
import type { Admin, Broker, Consumer, ConsumerOptions, Producer, ProducerOptions } from '../broker.ts'
import { AdminOnDemand } from './admin-on-demand.ts'
import { SharedProducer } from './shared-producer.ts'
import { TopicHandle, type TopicSerdes } from './topic-handle.ts'

/** A broker as `openBroker` gives it: with topics to write to and read from by hand. */
export class OpenedBroker implements Broker, AsyncDisposable {
  readonly name: string
  readonly #broker: Broker
  readonly #clock: Clock
  readonly #producer: SharedProducer
  readonly #admin: AdminOnDemand

  constructor(broker: Broker, clock: Clock) {
    this.name = broker.name
    this.#broker = broker
    this.#clock = clock
    this.#producer = new SharedProducer(broker, clock)
    this.#admin = new AdminOnDemand(broker)
  }

  get principal(): string | undefined {
    return this.#broker.principal
  }

  /**
   * The topic with its types:
   * `broker.topic('orders', { keySerde: serdes.string(), valueSerde: serdes.json<Order>() })`. It must exist
   * when it is used.
   */
  topic<K, V>(topic: string, serdes: TopicSerdes<K, V>): TopicHandle<K, V> {
    return new TopicHandle({
      broker: this.#broker,
      admin: this.#admin.get,
      producer: this.#producer,
      clock: this.#clock,
      topic,
      serdes,
    })
  }

  consumer(options: ConsumerOptions): Promise<Consumer> {
    return this.#broker.consumer(options)
  }

  producer(options: ProducerOptions): Promise<Producer> {
    return this.#broker.producer(options)
  }

  admin(): Promise<Admin> {
    return this.#broker.admin()
  }

  async close(): Promise<void> {
    await this.#producer.close()
    await this.#admin.close()
    await this.#broker.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
