import { checkTimeouts, type Timeout } from '../../timeout-orders.ts'
import { SOCKET_TIMEOUT_MS, type ClientProperties } from './client-settings.ts'

/** The default delivery timeout without transactions. */
const DELIVERY_TIMEOUT_MS = 120_000
const REPLICATION_TIMEOUT_MS = 30_000

/** The timeouts of a producer. */
export interface ProducerTimeouts {
  /** How long an answer is waited for, beyond the broker's wait for the replicas. */
  readonly requestTimeoutMs: number
  /** How long the broker may wait for the replicas. */
  readonly replicationTimeoutMs: number
  /** How long a batch is tried before it is given up; `Infinity` for ever. */
  readonly deliveryTimeoutMs: number
}

/**
 * The timeouts of a producer with these client settings. Those that are not set follow from the others, so
 * that nothing is waited for longer than the transaction lives. Without `transactionTimeoutMs` the producer
 * has no transactions. Throws a `ConfigError` (`CONFLICTING_SETTINGS`) where two settings contradict each
 * other.
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

/** The default delivery timeout. In a transaction it is the transaction's, whose setting errors name. */
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
    // librdkafka takes 0 for no limit.
    ...(delivery ? { delivery: delivery.ms === 0 ? { ...delivery, ms: Infinity } : delivery } : {}),
  }
}

function given(client: ClientProperties, ...names: string[]): Timeout | undefined {
  const setting = names.find(name => client[name] !== undefined)
  return setting === undefined ? undefined : { setting, ms: Number(client[setting]) }
}
