import type { Clock } from '../../../common/clock.ts'
import { BrokerError } from '../../broker-error.ts'
import type { Producer, ProducerOptions } from '../../broker.ts'
import { construct, type ClientProperties } from '../settings/client-settings.ts'
import type { DirectProduce } from './direct-path.ts'
import {
  LibrdkafkaProducer,
  producerSettings,
  TRANSACTION_TIMEOUT_MS,
} from '../native/librdkafka-producer.ts'
import type { NativeSettings } from '../settings/client-settings.ts'
import type { NativeClient, NativeModule, NativeProducer } from '../native/native-client.ts'
import { controlSettings, NativeTransactionControl } from '../native/native-transaction-control.ts'
import { IdempotentProducer } from '../client/produce/idempotent-producer.ts'
import type { ProducerIdentity } from '../client/produce/outgoing-batch.ts'
import type { ProduceSettings } from '../client/produce/produce-settings.ts'
import { readInitProducerId, writeInitProducerId } from '../client/produce/transaction-requests.ts'
import { TransactionalProducer } from '../client/produce/transactional-producer.ts'
import { producerTimeouts, type ProducerTimeouts } from '../settings/producer-timeouts.ts'
import type { Cluster } from '../client/connection/cluster.ts'
import type { ConnectOptions } from '../client/connection/open-connection.ts'
import { INIT_PRODUCER_ID } from '../protocol/protocol.ts'
import { protocolError } from '../protocol/protocol-error.ts'

const IDENTITY_TIMEOUT_MS = 10_000
const RETRY_MS = 50

/** The parts of a broker object that its producers use. */
export interface OpenProducerOptions {
  readonly module: NativeModule
  /** Undefined where records are sent with the native client. */
  readonly direct: DirectProduce | undefined
  readonly clock: Clock
  /** The user's settings. */
  readonly client: ClientProperties
  settings(clientId: string, own: NativeSettings): NativeSettings
  connect(native: NativeClient, connected: () => void): Promise<void>
}

export async function openProducer(
  options: ProducerOptions,
  context: OpenProducerOptions,
): Promise<Producer> {
  const { direct, clock, client } = context
  if (!direct) {
    const native = await openNative(options, context, producerSettings(options, client))
    return new LibrdkafkaProducer(native, clock, options)
  }
  const { transactionalId, clientId, onSendError, transactionTimeoutMs = TRANSACTION_TIMEOUT_MS } = options
  const { cluster, settings, notify } = direct
  const connect = { ...direct.connect, clientId }
  const isTransactional = transactionalId !== undefined
  const times = producerTimeouts(client, isTransactional ? transactionTimeoutMs : undefined)
  const shared = { clock, cluster, notify, onSendError, ...withTimeouts(times, settings, connect) }
  if (!isTransactional) {
    const identity = await firstIdentity(cluster, clock)
    return new IdempotentProducer({ ...shared, identity, renew: () => newIdentity(cluster) })
  }
  const own = controlSettings(client, producerSettings(options, client))
  const native = await openNative(options, context, own)
  const control = new NativeTransactionControl(native, clock, transactionTimeoutMs)
  return new TransactionalProducer({ ...shared, transactionalId, control })
}

/** The settings of the direct path with the producer's timeouts, which depend on its transactions. */
function withTimeouts(
  { requestTimeoutMs, ...times }: ProducerTimeouts,
  settings: ProduceSettings,
  connect: ConnectOptions,
): { readonly settings: ProduceSettings; readonly connect: ConnectOptions } {
  const controlTimeoutMs = Math.min(requestTimeoutMs, connect.settings.controlTimeoutMs)
  return {
    settings: { ...settings, ...times },
    connect: { ...connect, settings: { ...connect.settings, requestTimeoutMs, controlTimeoutMs } },
  }
}

async function openNative(
  { clientId }: ProducerOptions,
  { module, settings, connect }: OpenProducerOptions,
  own: NativeSettings,
): Promise<NativeProducer> {
  const native = construct(() => new module.Producer(settings(clientId, own)))
  // Polling starts before the first call, which could fail, and after connecting: before, it would crash.
  await connect(native, () => native.setPollInBackground(true))
  return native
}

/** The first identity of a producer; retried while its coordinator is loading, as the native client does. */
async function firstIdentity(cluster: Cluster, clock: Clock): Promise<ProducerIdentity> {
  const deadlineMs = clock.monotonicMs() + IDENTITY_TIMEOUT_MS
  for (;;) {
    try {
      return await newIdentity(cluster)
    } catch (reason) {
      const again = reason instanceof BrokerError && reason.class === 'retriable'
      if (!again || clock.monotonicMs() >= deadlineMs) throw reason
    }
    await clock.sleep(RETRY_MS)
  }
}

async function newIdentity(cluster: Cluster): Promise<ProducerIdentity> {
  const { errorCode, ...identity } = await cluster.ask(
    INIT_PRODUCER_ID,
    writeInitProducerId,
    readInitProducerId,
  )
  if (errorCode !== 0) throw protocolError(errorCode, 'asking for a producer id')
  return identity
}
