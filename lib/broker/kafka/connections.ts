import { BrokerError } from '../broker-error.ts'
import { clientSettings } from './client-settings.ts'
import { ConnectionLog } from './connection-log.ts'
import type { KafkaBrokerOptions } from './kafka-broker-options.ts'
import { nativeCall } from './native-call.ts'
import type { NativeClient, NativeSettings } from './native-client.ts'

const CONNECT_MS_MAX = 10_000

/** How the clients of one broker object are set up and connected, and what is said when no broker answers. */
export class Connections {
  readonly #options: KafkaBrokerOptions
  readonly #log: ConnectionLog

  constructor(options: KafkaBrokerOptions) {
    this.#options = options
    this.#log = new ConnectionLog(options.clock, options.logger)
  }

  settings(clientId: string, own: NativeSettings): NativeSettings {
    return clientSettings(this.#options.brokers, this.#options.client ?? {}, clientId, own)
  }

  /** `connected` runs in the native callback, before anybody else can use the client. */
  async connect(native: NativeClient, connected: () => void = () => undefined): Promise<void> {
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

  /** What a connection of the direct path has to say. */
  hear(message: string): void {
    this.#log.hear(message)
  }

  #unreachable(reason: unknown): unknown {
    if (!(reason instanceof BrokerError) || reason.class !== 'retriable') return reason
    const last = this.#log.last ? ` The client's last words: ${this.#log.last}.` : ''
    const message = `no Kafka broker answers at ${this.#options.brokers}; check the address, the listeners and the security settings.${last}`
    // Credentials that are refused look like a broker that does not answer; only the words differ.
    const refused = /authentication|SASL|SSL/i.test(this.#log.last)
    return new BrokerError('BROKER_UNREACHABLE', refused ? 'authorization' : 'retriable', message, {
      cause: reason,
    })
  }
}
