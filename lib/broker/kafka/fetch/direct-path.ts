import type { Logger } from '../../../common/logger.ts'
import { errorFrom } from '../../../common/errors.ts'
import { BrokerError } from '../../broker-error.ts'
import type { KafkaBrokerOptions } from '../kafka-broker-options.ts'
import { Cluster } from './cluster.ts'
import { fetchSettings } from './fetch-settings.ts'
import type { ConnectOptions } from './open-connection.ts'
import { needsNative, securityOf } from './security.ts'

/** What the consumers of one broker object share of the direct path. */
export interface DirectPath {
  readonly cluster: Cluster
  readonly connect: ConnectOptions
  /** For the log. */
  readonly hear: (message: string) => void
}

/**
 * Undefined where records are to be read with the native client: because `fetch` says so, or because the settings or the brokers need it, which is then
 * logged. Rejects with a `BrokerError` or, for a file that cannot be read, a `ConfigError`.
 */
export async function openDirectPath(
  { brokers, client = {}, fetch = 'direct', clock, logger }: KafkaBrokerOptions,
  hear: (message: string) => void,
): Promise<DirectPath | undefined> {
  if (fetch === 'native') return undefined
  const reason = needsNative(client)
  if (reason !== undefined) return nativeInstead(logger, reason)
  const security = await securityOf(client, clock)
  const connect = { clientId: 'millrace-metadata', clock, settings: fetchSettings(client), security }
  const cluster = new Cluster(brokers, connect)
  try {
    await cluster.check()
    return { cluster, connect, hear }
  } catch (error) {
    cluster.close()
    // The native client has connected with the same settings: what refuses us is something that only it speaks.
    const isOurs = error instanceof BrokerError && error.class !== 'retriable'
    if (!isOurs) throw error
    return nativeInstead(logger, errorFrom(error).message)
  }
}

function nativeInstead(logger: Logger, reason: string): undefined {
  logger.log('warn', `records are read with the native client, not directly, for ${reason}`)
}
