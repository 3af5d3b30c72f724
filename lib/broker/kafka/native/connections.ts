import { BrokerError } from '../../broker-error.ts'
import { brokerErrorFrom } from './classify-error.ts'
import { clientSettings } from '../settings/client-settings.ts'
import { ConnectionLog } from './connection-log.ts'
import type { KafkaBrokerOptions } from '../settings/kafka-broker-options.ts'
import { nativeCall } from './native-call.ts'
import type { NativeSettings } from '../settings/client-settings.ts'
import type { NativeClient, NativeError } from './native-client.ts'

const CONNECT_MS_MAX = 10_000

/** Settings and connecting of all native clients of a broker object, and the error when no broker answers. */
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
    this.#log.forgetRefusal()
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

  /** Logs a message of a connection of the direct path. */
  notify(message: string): void {
    this.#log.notify(message)
  }

  #unreachable(reason: unknown): unknown {
    if (!(reason instanceof BrokerError) || reason.class !== 'retriable') return reason
    const { brokers } = this.#options
    const { lastRefusal, last } = this.#log
    // The native client takes a broker that refuses the credentials for one that does not answer.
    if (lastRefusal) return refusedError(lastRefusal, brokers)
    const words = last ? ` The client's last words: ${last}.` : ''
    const message = `no Kafka broker answers at ${brokers}; check the address, the listeners and the security settings.${words}`
    return new BrokerError('BROKER_UNREACHABLE', 'retriable', message, { cause: reason })
  }
}

function refusedError(refusal: NativeError, brokers: string): BrokerError {
  const { code } = brokerErrorFrom(refusal, 'connecting')
  const message = `the connection to ${brokers} was refused: ${refusal.message}; ${mendOf(code)}`
  return new BrokerError(code, 'authentication', message, { cause: refusal })
}

/** The settings to check after a refusal with this code. */
export function mendOf(code: string): string {
  return code === 'TLS_FAILED'
    ? "check ssl.ca.location, the broker's certificate and its host name"
    : 'check sasl.mechanism, sasl.username and sasl.password'
}
