import type { Clock } from '../../../common/clock.ts'
import { ConfigError } from '../../../common/errors/errors.ts'
import type { Logger } from '../../../common/logger.ts'
import type { ClientProperties } from './client-settings.ts'

/**
 * How records are read or sent. `direct`: with our own requests, decoded and encoded here. `native`: with the
 * client's `consume` or `produce`, several times slower; taken by itself for what the direct path does not
 * speak.
 */
export type DataPath = 'direct' | 'native'

const DATA_PATHS: readonly DataPath[] = ['direct', 'native']

export function checkDataPath(setting: 'fetch' | 'produce', path: DataPath | undefined): void {
  if (path === undefined || DATA_PATHS.includes(path)) return
  throw new ConfigError('INVALID_SETTING', `${setting} is "${String(path)}": it must be "direct" or "native"`)
}

export interface KafkaBrokerOptions {
  /** Bootstrap addresses: `host:port,host:port`. */
  readonly brokers: string
  /**
   * More properties of librdkafka: `security.protocol`, `sasl.*`, `ssl.*`, `linger.ms`. Those that Millrace
   * sets itself are refused.
   */
  readonly client?: ClientProperties
  /** How records are read. Default `direct`. */
  readonly fetch?: DataPath
  /** How records are sent. Default `direct`. */
  readonly produce?: DataPath
  readonly clock: Clock
  readonly logger: Logger
}
