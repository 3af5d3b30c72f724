import type { Clock } from '../../common/clock.ts'
import type { Logger } from '../../common/logger.ts'
import type { ClientProperties } from './client-settings.ts'

export interface KafkaBrokerOptions {
  /** Bootstrap addresses: `host:port,host:port`. */
  readonly brokers: string
  /** More properties of librdkafka: `security.protocol`, `sasl.*`, `ssl.*`, `linger.ms`. Those that Millrace sets itself are refused. */
  readonly client?: ClientProperties
  readonly clock: Clock
  readonly logger: Logger
}
