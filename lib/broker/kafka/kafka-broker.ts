import type { Clock } from '../../common/clock.ts'
import type { Logger } from '../../common/logger.ts'
import { BrokerError } from '../broker-error.ts'
import type { Admin, Broker, Consumer, ConsumerOptions, Producer, ProducerOptions } from '../broker.ts'
import { checkClientProperties, clientSettings, construct } from './client-settings.ts'
import type { ClientProperties } from './client-settings.ts'
import { ConnectionLog } from './connection-log.ts'
import { ControlClient } from './control-client.ts'
import { KafkaAdmin } from './kafka-admin.ts'
import { KafkaProducer, producerSettings } from './kafka-producer.ts'
import { loadNativeClient } from './load-client.ts'
import { closedError, nativeCall } from './native-call.ts'
import type { NativeClient, NativeModule, NativeSettings } from './native-client.ts'
import { openConsumer } from './open-consumer.ts'

const CONNECT_MS_MAX = 10_000

export interface KafkaBrokerOptions {
  /** Bootstrap addresses: `host:port,host:port`. */
  readonly brokers: string
  /** More properties of librdkafka: `security.protocol`, `sasl.*`, `ssl.*`, `linger.ms`. Those that Millrace sets itself are refused. */
  readonly client?: ClientProperties
  readonly clock: Clock
  readonly logger: Logger
}

/**
 * A Kafka cluster through the native client, which is loaded here. Rejects with `KAFKA_CLIENT_MISSING` where it is not installed, with
 * `BROKER_UNREACHABLE` if no broker answers within 10 s, and with a `ConfigError` for a bad property. Main thread only: the native
 * client cannot be loaded in a worker.
 */
export async function openKafkaBroker(options: KafkaBrokerOptions): Promise<Broker> {
  checkClientProperties(options.client ?? {})
  const broker = new KafkaBroker(await loadNativeClient(), options)
  await broker.reach()
  return broker
}

class KafkaBroker implements Broker {
  readonly name: string
  readonly #module: NativeModule
  readonly #options: KafkaBrokerOptions
  readonly #log: ConnectionLog
  readonly #control: ControlClient
  #closed = false

  constructor(module: NativeModule, options: KafkaBrokerOptions) {
    this.name = options.brokers
    this.#module = module
    this.#options = options
    this.#log = new ConnectionLog(options.clock, options.logger)
    const settings = this.#settings('millrace-control', {})
    const native = construct(() => module.AdminClient.create(settings))
    this.#log.watch(native)
    this.#control = new ControlClient(native, options.clock)
  }

  async reach(): Promise<void> {
    try {
      await this.#control.call('connecting', (native, callback) =>
        native.listTopics({ timeout: CONNECT_MS_MAX }, callback),
      )
    } catch (reason) {
      await this.#control.close()
      throw this.#unreachable(reason)
    }
  }

  async consumer(options: ConsumerOptions): Promise<Consumer> {
    if (this.#closed) throw closedError('broker')
    return openConsumer(options, {
      module: this.#module,
      clock: this.#options.clock,
      control: this.#control,
      settings: (clientId, own) => this.#settings(clientId, own),
      connect: native => this.#connect(native),
    })
  }

  async producer(options: ProducerOptions): Promise<Producer> {
    if (this.#closed) throw closedError('broker')
    const settings = this.#settings(options.clientId, producerSettings(options))
    const native = construct(() => new this.#module.Producer(settings))
    // Before the first call that fails; a poll in the background before the connection would crash the process.
    await this.#connect(native, () => native.setPollInBackground(true))
    return new KafkaProducer(native, this.#options.clock, options)
  }

  async admin(): Promise<Admin> {
    if (this.#closed) throw closedError('broker')
    return new KafkaAdmin(this.#control, this.#options.clock)
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#control.close()
  }

  #settings(clientId: string, own: NativeSettings): NativeSettings {
    return clientSettings(this.#options.brokers, this.#options.client ?? {}, clientId, own)
  }

  /** `connected` runs in the native callback, before anybody else can use the client. */
  async #connect(native: NativeClient, connected: () => void = () => undefined): Promise<void> {
    this.#log.watch(native)
    try {
      await nativeCall<unknown>('connecting', callback =>
        // Brokers only: the default would ask for the metadata of every topic in the cluster.
        native.connect({ allTopics: false, timeout: CONNECT_MS_MAX }, (error, metadata) => {
          if (!error) connected()
          callback(error, metadata)
        }),
      )
    } catch (reason) {
      throw this.#unreachable(reason)
    }
  }

  #unreachable(reason: unknown): unknown {
    if (!(reason instanceof BrokerError) || reason.class !== 'retriable') return reason
    const last = this.#log.last ? ` The client's last words: ${this.#log.last}.` : ''
    const message = `no Kafka broker answers at ${this.name}; check the address, the listeners and the security settings.${last}`
    // Credentials that are refused look like a broker that does not answer; only the words differ.
    const refused = /authentication|SASL|SSL/i.test(this.#log.last)
    return new BrokerError('BROKER_UNREACHABLE', refused ? 'authorization' : 'retriable', message, {
      cause: reason,
    })
  }
}
