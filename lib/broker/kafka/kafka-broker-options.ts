import type { Clock } from '../../common/clock.ts'
import { ConfigError } from '../../common/errors.ts'
import type { Logger } from '../../common/logger.ts'
import type { ClientProperties } from './client-settings.ts'

/**
 * How records are read. `direct`: with our own requests, decoded here. `native`: with the client's `consume`, several times slower; taken by itself
 * for what the direct path does not speak.
 */
export type FetchPath = 'direct' | 'native'

const FETCH_PATHS: readonly FetchPath[] = ['direct', 'native']

export function checkFetchPath(fetch: FetchPath | undefined): void {
  if (fetch === undefined || FETCH_PATHS.includes(fetch)) return
  throw new ConfigError('INVALID_SETTING', `fetch is "${String(fetch)}": it must be "direct" or "native"`)
}

export interface KafkaBrokerOptions {
  /** Bootstrap addresses: `host:port,host:port`. */
  readonly brokers: string
  /** More properties of librdkafka: `security.protocol`, `sasl.*`, `ssl.*`, `linger.ms`. Those that Millrace sets itself are refused. */
  readonly client?: ClientProperties
  /** Default `direct`. */
  readonly fetch?: FetchPath
  readonly clock: Clock
  readonly logger: Logger
}
