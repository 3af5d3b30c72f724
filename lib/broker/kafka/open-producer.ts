import type { Clock } from '../../common/clock.ts'
import { BrokerError } from '../broker-error.ts'
import type { Producer, ProducerOptions } from '../broker.ts'
import { construct } from './client-settings.ts'
import type { DirectProduce } from './direct-path.ts'
import { KafkaProducer, producerSettings, TRANSACTION_TIMEOUT_MS } from './kafka-producer.ts'
import type { NativeClient, NativeModule, NativeProducer, NativeSettings } from './native-client.ts'
import { CONTROL_SETTINGS, NativeTransactionControl } from './native-transaction-control.ts'
import { DirectProducer } from './produce/direct-producer.ts'
import type { ProducerIdentity } from './produce/outgoing-batch.ts'
import type { ProduceSettings } from './produce/produce-settings.ts'
import { readInitProducerId, writeInitProducerId } from './produce/transaction-requests.ts'
import { TransactionalProducer } from './produce/transactional-producer.ts'
import type { Cluster } from './wire/cluster.ts'
import type { ConnectOptions } from './wire/open-connection.ts'
import { INIT_PRODUCER_ID } from './wire/protocol.ts'
import { protocolError } from './wire/protocol-error.ts'

const PATIENCE_MS = 10_000
const RETRY_MS = 50

/** What a producer needs of its broker object. */
export interface ProducerSurroundings {
  readonly module: NativeModule
  /** Undefined where records are sent with the native client. */
  readonly direct: DirectProduce | undefined
  readonly clock: Clock
  settings(clientId: string, own: NativeSettings): NativeSettings
  connect(native: NativeClient, connected: () => void): Promise<void>
}

export async function openProducer(
  options: ProducerOptions,
  around: ProducerSurroundings,
): Promise<Producer> {
  const { direct, clock } = around
  if (!direct) return new KafkaProducer(await openNative(options, around, {}), clock, options)
  const { transactionalId, clientId, onSendError, transactionTimeoutMs = TRANSACTION_TIMEOUT_MS } = options
  const { cluster, settings, hear } = direct
  const connect = { ...direct.connect, clientId }
  const parts = { clock, cluster, connect, settings, hear, onSendError }
  if (transactionalId === undefined) {
    const identity = await firstIdentity(cluster, clock)
    return new DirectProducer({ ...parts, identity, renew: () => newIdentity(cluster) })
  }
  const native = await openNative(options, around, CONTROL_SETTINGS)
  const control = new NativeTransactionControl(native, clock, transactionTimeoutMs)
  return new TransactionalProducer({
    ...parts,
    ...withinTransaction(settings, connect, transactionTimeoutMs),
    transactionalId,
    control,
  })
}

/**
 * What cannot be delivered within the transaction's time is lost with it: no request is waited for any longer, and a batch is given up no later than the
 * broker gives up the transaction. A request waits for its answer (half of the time) beyond what the broker waits for its replicas (the other half).
 */
function withinTransaction(
  settings: ProduceSettings,
  connect: ConnectOptions,
  transactionTimeoutMs: number,
): { readonly settings: ProduceSettings; readonly connect: ConnectOptions } {
  const deliveryTimeoutMs = Math.min(settings.deliveryTimeoutMs, transactionTimeoutMs)
  const half = Math.max(1, Math.floor(deliveryTimeoutMs / 2))
  const replicationTimeoutMs = Math.min(settings.replicationTimeoutMs, half)
  const requestTimeoutMs = Math.min(connect.settings.requestTimeoutMs, half)
  return {
    settings: { ...settings, deliveryTimeoutMs, replicationTimeoutMs },
    connect: { ...connect, settings: { ...connect.settings, requestTimeoutMs } },
  }
}

async function openNative(
  options: ProducerOptions,
  { module, settings, connect }: ProducerSurroundings,
  more: NativeSettings,
): Promise<NativeProducer> {
  const own = { ...producerSettings(options), ...more }
  const native = construct(() => new module.Producer(settings(options.clientId, own)))
  // Before the first call that fails; a poll in the background before the connection would crash the process.
  await connect(native, () => native.setPollInBackground(true))
  return native
}

/** A coordinator that is being loaded is waited for, as the native client does. */
async function firstIdentity(cluster: Cluster, clock: Clock): Promise<ProducerIdentity> {
  const deadlineMs = clock.monotonicMs() + PATIENCE_MS
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
