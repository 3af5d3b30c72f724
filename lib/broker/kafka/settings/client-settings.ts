import { ConfigError, errorFrom } from '../../../common/errors/errors.ts'

/** Properties of librdkafka that a user sets: security, SASL, sockets. */
export type ClientProperties = { readonly [name: string]: string | number | boolean }

/** All properties of a native client, also callbacks. */
export type NativeSettings = { [name: string]: unknown }

/** Properties that a user must not set: exactly-once relies on their values. */
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

/** The default timeout of Fetch and Produce requests, in the native client and the direct path. */
export const SOCKET_TIMEOUT_MS = 10_000
/**
 * The default timeout of connecting and of all other requests, whose answers are small. A broker that hangs
 * still accepts connections, and the timeouts at several such brokers must not add up to a lost session.
 */
export const CONTROL_TIMEOUT_MS = 4_000

/** The time by which a socket timeout exceeds a long poll; librdkafka demands a second. */
const POLL_GRACE_MS = 1_500

const DEFAULTS: NativeSettings = {
  // After a broker's restart the client may fetch with the old leader epoch, without any record, until it
  // refreshes its metadata; the default is five minutes.
  'topic.metadata.refresh.interval.ms': 5_000,
  'socket.connection.setup.timeout.ms': CONTROL_TIMEOUT_MS,
  // The first backoff, of those that grow to the maximum. A client waits for half of it before it connects to
  // a second broker, so with the default every connect takes 50 ms.
  'reconnect.backoff.ms': 20,
}

/** The settings of a native client: defaults, the user's, and those of its kind, which take precedence. */
export function clientSettings(
  brokers: string,
  properties: ClientProperties,
  clientId: string,
  own: NativeSettings,
): NativeSettings {
  // Each client gets a copy, since the native layer changes the object.
  const defaults = { ...DEFAULTS, 'socket.timeout.ms': socketTimeoutMs(properties, CONTROL_TIMEOUT_MS) }
  return { ...defaults, ...properties, ...own, 'bootstrap.servers': brokers, 'client.id': clientId }
}

/**
 * The user's `socket.timeout.ms`, or this default, or more where the user's long poll demands it.
 * librdkafka's own default is a minute.
 */
export function socketTimeoutMs(properties: ClientProperties, defaultMs: number): number {
  const given = properties['socket.timeout.ms']
  const pollMs = Number(properties['fetch.wait.max.ms'] ?? 0)
  return given === undefined ? Math.max(defaultMs, pollMs + POLL_GRACE_MS) : Number(given)
}

/** Makes a native client. Throws a `ConfigError` that names the property where librdkafka refuses one. */
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
