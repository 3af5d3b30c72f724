import { ConfigError, errorFrom } from '../../../common/errors/errors.ts'

/** librdkafka properties as a user gives them: security, SASL, sockets. */
export type ClientProperties = { readonly [name: string]: string | number | boolean }

/** What the native client is made with: properties of librdkafka, callbacks among them. */
export type NativeSettings = { [name: string]: unknown }

/** What the runtime stands on; changed from outside, exactly-once would silently be something else. */
const OURS: ReadonlySet<string> = new Set([
  'bootstrap.servers',
  'metadata.broker.list',
  'client.id',
  'group.id',
  'group.protocol',
  'group.remote.assignor',
  'partition.assignment.strategy',
  'session.timeout.ms',
  'heartbeat.interval.ms',
  'max.poll.interval.ms',
  'enable.auto.commit',
  'enable.auto.offset.store',
  'auto.offset.reset',
  'isolation.level',
  'enable.partition.eof',
  'enable.idempotence',
  'transactional.id',
  'transaction.timeout.ms',
  'queue.buffering.max.messages',
  'queue.buffering.max.kbytes',
  'queued.max.messages.kbytes',
  'dr_cb',
  'dr_msg_cb',
  'delivery.report.only.error',
  'rebalance_cb',
  'offset_commit_cb',
  'queue_non_empty_cb',
  'event_cb',
])

export function checkClientProperties(properties: ClientProperties): void {
  for (const name of Object.keys(properties)) {
    if (!OURS.has(name)) continue
    throw new ConfigError(
      'CLIENT_SETTING_RESERVED',
      `the client setting "${name}" is set by Millrace; remove it`,
    )
  }
}

/**
 * For answers with or to records. Unless the user's settings say otherwise, for the native clients and for
 * connections of our own.
 */
export const SOCKET_TIMEOUT_MS = 10_000
/**
 * For all other answers, which are small and at hand, and for connecting: a broker that stands still keeps
 * its connections and takes new ones, and what is asked of several such in a row must not add up to more than
 * an application may be silent.
 */
export const CONTROL_TIMEOUT_MS = 4_000

/** librdkafka asks for a second. */
const POLL_GRACE_MS = 1_500

const DEFAULTS: NativeSettings = {
  // After a broker has restarted, the client may keep fetching under the old leader epoch, silently, until it
  // next refreshes its metadata: after five minutes by default.
  'topic.metadata.refresh.interval.ms': 5_000,
  'socket.connection.setup.timeout.ms': CONTROL_TIMEOUT_MS,
  // The first pause: they grow to the maximum all the same. A client that has found its first broker waits
  // for half of it before it looks for another, which by default makes every connect 50 ms long.
  'reconnect.backoff.ms': 20,
}

/** A client's settings: the user's, then the kind's own, which have the last word. */
export function clientSettings(
  brokers: string,
  properties: ClientProperties,
  clientId: string,
  own: NativeSettings,
): NativeSettings {
  // A copy for each client: the native layer deletes callbacks and adds its name in the object it is given.
  const defaults = { ...DEFAULTS, 'socket.timeout.ms': socketTimeoutMs(properties, CONTROL_TIMEOUT_MS) }
  return { ...defaults, ...properties, ...own, 'bootstrap.servers': brokers, 'client.id': clientId }
}

/**
 * The user's; without it this default, in place of a minute, or what is the least that the client takes
 * beside a long poll of the user's.
 */
export function socketTimeoutMs(properties: ClientProperties, defaultMs: number): number {
  const given = properties['socket.timeout.ms']
  const pollMs = Number(properties['fetch.wait.max.ms'] ?? 0)
  return given === undefined ? Math.max(defaultMs, pollMs + POLL_GRACE_MS) : Number(given)
}

/** Makes a native client; a property that librdkafka refuses is the user's, and the error names it. */
export function construct<T>(make: () => T): T {
  try {
    return make()
  } catch (reason) {
    const cause = errorFrom(reason)
    throw new ConfigError('CLIENT_SETTING_INVALID', `the Kafka client refuses a setting: ${cause.message}`, {
      cause,
    })
  }
}
