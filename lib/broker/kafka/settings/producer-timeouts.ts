import { checkTimeouts, type Timeout } from '../../timeout-orders.ts'
import { SOCKET_TIMEOUT_MS, type ClientProperties } from './client-settings.ts'

/** Unless the user's settings say otherwise. */
const DELIVERY_TIMEOUT_MS = 120_000
const REPLICATION_TIMEOUT_MS = 30_000

/** How long a producer waits for what, in milliseconds. */
export interface ProducerTimeouts {
  /** For an answer, beyond what the broker waits for its replicas. */
  readonly requestTimeoutMs: number
  /** How long the broker may wait for its replicas. */
  readonly replicationTimeoutMs: number
  /** After so long a batch is given up; `Infinity`: never. */
  readonly deliveryTimeoutMs: number
}

/**
 * The times of a producer with these client settings: what they name is kept to, what they leave out gives
 * way. So nothing is waited for beyond the transaction, with which it would be lost. Without
 * `transactionTimeoutMs`: of one without transactions. Throws a `ConfigError` (`CONFLICTING_SETTINGS`) where
 * two settings contradict each other.
 */
export function producerTimeouts(client: ClientProperties, transactionTimeoutMs?: number): ProducerTimeouts {
  const transaction = transactionTimeoutMs === undefined ? undefined : transactionOf(transactionTimeoutMs)
  const given = givenTimeouts(client)
  const delivery = given.delivery ?? defaultDelivery(transaction)
  const half = Math.max(1, Math.floor(delivery.ms / 2))
  const requestTimeoutMs = given.request?.ms ?? Math.min(SOCKET_TIMEOUT_MS, half)
  const rest = Math.max(1, delivery.ms - requestTimeoutMs)
  checkTimeouts({ ...given, delivery, ...(transaction ? { transaction } : {}) })
  return {
    requestTimeoutMs,
    replicationTimeoutMs: given.replication?.ms ?? Math.min(REPLICATION_TIMEOUT_MS, rest),
    deliveryTimeoutMs: delivery.ms,
  }
}

function transactionOf(ms: number): Timeout {
  return { setting: 'transactionTimeoutMs', ms }
}

/** The error about a time that follows the transaction's names the transaction's setting. */
function defaultDelivery(transaction: Timeout | undefined): Timeout {
  if (transaction && transaction.ms <= DELIVERY_TIMEOUT_MS) return transaction
  return { setting: 'message.timeout.ms', ms: DELIVERY_TIMEOUT_MS }
}

function givenTimeouts(client: ClientProperties): {
  readonly request?: Timeout
  readonly replication?: Timeout
  readonly linger?: Timeout
  readonly delivery?: Timeout
} {
  const request = given(client, 'socket.timeout.ms')
  const replication = given(client, 'request.timeout.ms')
  const linger = given(client, 'linger.ms', 'queue.buffering.max.ms')
  const delivery = given(client, 'message.timeout.ms', 'delivery.timeout.ms')
  return {
    ...(request ? { request } : {}),
    ...(replication ? { replication } : {}),
    ...(linger ? { linger } : {}),
    // 0 is no time but none: librdkafka's word for it.
    ...(delivery ? { delivery: delivery.ms === 0 ? { ...delivery, ms: Infinity } : delivery } : {}),
  }
}

function given(client: ClientProperties, ...names: string[]): Timeout | undefined {
  const setting = names.find(name => client[name] !== undefined)
  return setting === undefined ? undefined : { setting, ms: Number(client[setting]) }
}
