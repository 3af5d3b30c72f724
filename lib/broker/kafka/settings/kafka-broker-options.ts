import type { Clock } from '../../../common/clock.ts'
import { ConfigError } from '../../../common/errors/errors.ts'
import type { Logger } from '../../../common/logger.ts'
import type { ClientProperties } from './client-settings.ts'

/**
 * How records are read or sent. `direct`: by requests that are encoded and decoded here. `native`: by the
 * native client's `consume` or `produce`, several times slower; chosen automatically where the direct path
 * cannot speak with the brokers.
 */
export type DataPath = 'direct' | 'native'

const DATA_PATHS: readonly DataPath[] = ['direct', 'native']

export function checkDataPath(setting: 'fetch' | 'produce', path: DataPath | undefined): void {
  if (path === undefined || DATA_PATHS.includes(path)) return
  throw new ConfigError('INVALID_SETTING', `${setting} is "${String(path)}": it must be "direct" or "native"`)
}

export interface KafkaBrokerOptions {
  /** Bootstrap addresses in the form `host:port,host:port`. */
  readonly brokers: string
  /**
   * Properties of librdkafka (`security.protocol`, `sasl.*`, `ssl.*`, …), without those that Millrace sets.
   */
  readonly client?: ClientProperties
  /** How records are read. Default `direct`. */
  readonly fetch?: DataPath
  /** How records are sent. Default `direct`. */
  readonly produce?: DataPath
  readonly clock: Clock
  readonly logger: Logger
}
