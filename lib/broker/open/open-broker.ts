import type { Clock } from '../../common/clock.ts'
import { systemClock } from '../../common/clock.ts'
import { ConfigError } from '../../common/errors/errors.ts'
import { consoleLogger, type Logger } from '../../common/logger.ts'
import type { Broker } from '../broker.ts'
import { openEmbeddedBroker } from '../embedded/embedded-broker.ts'
import { OpenedBroker } from './opened-broker.ts'

export interface OpenBrokerOptions {
  /** Where an `embedded` broker keeps its logs. */
  readonly directory?: string
  /** More settings of the Kafka client, by librdkafka's names: `security.protocol`, `sasl.mechanism`, … */
  readonly client?: { readonly [name: string]: string | number | boolean }
  /**
   * How records are read from a Kafka cluster. `direct` (the default): with our own requests. `native`: with
   * the client's `consume`, several times slower; chosen by itself, with a line in the log, for what the
   * direct path does not speak, such as GSSAPI.
   */
  readonly fetch?: 'direct' | 'native'
  /**
   * How records are sent to a Kafka cluster: likewise. The native client compresses with lz4 and zstd, too.
   */
  readonly produce?: 'direct' | 'native'
  readonly clock?: Clock
  readonly logger?: Logger
}

/**
 * Opens what `brokers` names: `memory` (a broker in this process, gone with it), `embedded` (the same,
 * durable in `directory`), or the addresses of a Kafka cluster (`host:port,…`; needs the optional package
 * `@confluentinc/kafka-javascript`).
 */
export async function openBroker(brokers: string, options: OpenBrokerOptions = {}): Promise<OpenedBroker> {
  const { clock = systemClock } = options
  return new OpenedBroker(await openPort(brokers, options), clock)
}

async function openPort(brokers: string, options: OpenBrokerOptions): Promise<Broker> {
  const { clock = systemClock, logger = consoleLogger(), directory, client, fetch, produce } = options
  if (brokers === 'memory') return openEmbeddedBroker({ clock })
  if (brokers === 'embedded') {
    if (directory !== undefined) return openEmbeddedBroker({ directory, clock })
    throw new ConfigError(
      'MISSING_SETTING',
      'an embedded broker needs a directory for its logs; use "memory" for one without',
    )
  }
  if (!/^[^\s,:]+:\d+(,[^\s,:]+:\d+)*$/.test(brokers)) {
    throw new ConfigError(
      'INVALID_SETTING',
      `brokers is "${brokers}": it must be "memory", "embedded", or addresses such as "localhost:9092,localhost:9093"`,
    )
  }
  // Loaded only when asked for: the native client is optional.
  const { openKafkaBroker } = await import('../kafka/adapter/kafka-broker.ts')
  return openKafkaBroker({
    brokers,
    clock,
    logger,
    ...(client ? { client } : {}),
    ...(fetch ? { fetch } : {}),
    ...(produce ? { produce } : {}),
  })
}
