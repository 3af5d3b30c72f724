import { errorFrom } from '../../../common/errors/errors.ts'
import type { Logger } from '../../../common/logger.ts'
import { BrokerError } from '../../broker-error.ts'
import { fetchSettings, type FetchSettings } from '../client/fetch/fetch-settings.ts'
import { GROUP_APIS } from '../client/groups/direct-groups.ts'
import type { KafkaBrokerOptions } from '../settings/kafka-broker-options.ts'
import {
  produceNeedsNative,
  produceSettings,
  type ProduceSettings,
} from '../client/produce/produce-settings.ts'
import { Cluster } from '../client/connection/cluster.ts'
import { connectionSettings } from '../client/connection/connection-settings.ts'
import type { ConnectOptions, OpenConnection } from '../client/connection/open-connection.ts'
import {
  ADD_PARTITIONS_TO_TXN,
  type Api,
  commonVersion,
  END_TXN,
  FETCH,
  FIND_COORDINATOR,
  INIT_PRODUCER_ID,
  PRODUCE,
} from '../protocol/protocol.ts'
import { needsNative, securityOf } from '../client/connection/security.ts'

const FETCH_APIS: readonly Api[] = [FETCH]
const PRODUCE_APIS: readonly Api[] = [
  PRODUCE,
  INIT_PRODUCER_ID,
  FIND_COORDINATOR,
  ADD_PARTITIONS_TO_TXN,
  END_TXN,
]

/** The timeout of a connection that only looks for the cause of an earlier error. */
const CHECK_MS = 2_000

/** The parts of the direct path that all clients of a broker object share. */
export interface DirectPath {
  readonly cluster: Cluster
  readonly connect: ConnectOptions
  /** Logs a message. */
  readonly notify: (message: string) => void
}

export interface DirectFetch extends DirectPath {
  readonly settings: FetchSettings
}

export interface DirectProduce extends DirectPath {
  readonly settings: ProduceSettings
}

/** The direct paths of a broker object, each undefined where the native client is used instead. */
export interface DirectPaths {
  readonly fetch: DirectFetch | undefined
  readonly produce: DirectProduce | undefined
  /** Undefined where records are neither read nor sent by the direct path. */
  readonly groups: DirectPath | undefined
  readonly cluster: Cluster | undefined
  close(): void
}

type Wanted = 'fetch' | 'produce' | 'groups'

/** What is done by a path, as the log says it where it is native. Group queries are not logged. */
const DONE: { readonly [path in Wanted]: string | undefined } = {
  fetch: 'read',
  produce: 'sent',
  groups: undefined,
}

/**
 * Opens the direct paths that the options, the settings and the brokers allow. Where a setting or a broker
 * needs the native client, that is logged. Rejects with a `BrokerError` or, for a file that cannot be read, a
 * `ConfigError`.
 */
export async function openDirectPaths(
  options: KafkaBrokerOptions,
  notify: (message: string) => void,
): Promise<DirectPaths> {
  const { brokers, client = {}, clock, logger } = options
  const wanted = wantedPaths(options)
  if (wanted.size === 0)
    return {
      fetch: undefined,
      produce: undefined,
      groups: undefined,
      cluster: undefined,
      close: () => undefined,
    }
  const security = await securityOf(client, clock)
  const connect = { clientId: 'millrace-metadata', clock, settings: connectionSettings(client), security }
  const cluster = new Cluster(brokers, connect)
  try {
    const open = await cluster.check()
    dropUnspoken(wanted, open, logger)
  } catch (error) {
    cluster.close()
    // The native client has connected with the same settings, so the refusal is of something that only it
    // implements.
    if (!isRefusal(error)) throw error
    for (const path of wanted) nativeInstead(logger, path, errorFrom(error).message)
    wanted.clear()
  }
  const path = { cluster, connect, notify }
  return {
    fetch: wanted.has('fetch') ? { ...path, settings: fetchSettings(client) } : undefined,
    produce: wanted.has('produce') ? { ...path, settings: produceSettings(client) } : undefined,
    groups: wanted.has('groups') ? path : undefined,
    cluster: wanted.size > 0 ? cluster : undefined,
    close: () => cluster.close(),
  }
}

/** Connects once by the direct path, if the settings allow it. Rejects with the broker's error. */
export async function checkDirectly({ brokers, client = {}, clock }: KafkaBrokerOptions): Promise<void> {
  if (needsNative(client) !== undefined) return
  const security = await securityOf(client, clock)
  const limits = { connectTimeoutMs: CHECK_MS, controlTimeoutMs: CHECK_MS }
  const settings = { ...connectionSettings(client), ...limits }
  const cluster = new Cluster(brokers, { clientId: 'millrace-metadata', clock, settings, security })
  try {
    await cluster.check()
  } finally {
    cluster.close()
  }
}

function wantedPaths({ client = {}, fetch, produce, logger }: KafkaBrokerOptions): Set<Wanted> {
  const wanted = new Set<Wanted>()
  const consider = (path: Wanted, chosen: string | undefined, reason: string | undefined) => {
    if (chosen === 'native') return
    if (reason === undefined) wanted.add(path)
    else nativeInstead(logger, path, reason)
  }
  const reason = needsNative(client)
  consider('fetch', fetch, reason)
  consider('produce', produce, reason ?? produceNeedsNative(client))
  consider('groups', undefined, reason)
  return wanted
}

/** Drops the paths whose requests the broker does not know in our versions. */
function dropUnspoken(wanted: Set<Wanted>, { connection, versions }: OpenConnection, logger: Logger): void {
  for (const [path, apis] of [
    ['fetch', FETCH_APIS],
    ['produce', PRODUCE_APIS],
    ['groups', GROUP_APIS],
  ] as const) {
    if (!wanted.has(path)) continue
    try {
      for (const api of apis) commonVersion(api, versions, connection.address)
    } catch (error) {
      if (!isRefusal(error)) throw error
      wanted.delete(path)
      nativeInstead(logger, path, errorFrom(error).message)
    }
  }
}

function isRefusal(error: unknown): boolean {
  return error instanceof BrokerError && error.class !== 'retriable'
}

function nativeInstead(logger: Logger, path: Wanted, reason: string): void {
  const done = DONE[path]
  if (done) logger.log('warn', `records are ${done} with the native client, not directly, for ${reason}`)
}
