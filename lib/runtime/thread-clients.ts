import type { Admin, Broker, Consumer, Producer, ProducerOptions } from '../broker/broker.ts'
import type { Metrics } from '../common/metrics.ts'
import type { AnchorPlan } from './anchors.ts'
import { answerOf } from './dead-letters.ts'
import { isolationOf } from './isolation.ts'
import type { RuntimeSettings } from './settings.ts'

/** The clients of one stream thread: made anew when it rejoins. */
export interface ThreadClients {
  readonly consumer: Consumer
  readonly producer: Producer
}

/**
 * Opens them. The producer comes first and ends whatever transaction this process left behind: before the group hands out
 * partitions whose committed offsets that transaction may hold undecided.
 */
export async function openClients(
  broker: Broker,
  settings: RuntimeSettings,
  options: { readonly anchors: AnchorPlan; readonly processId: string; readonly metrics: Metrics },
): Promise<ThreadClients> {
  const { applicationId, clientId, transactionTimeoutMs } = settings
  const exactlyOnce = settings.processingGuarantee === 'exactly-once'
  const producer = await broker.producer({
    clientId: `${clientId}-producer`,
    onSendError: sendErrorHandler(settings, options.metrics),
    ...(exactlyOnce
      ? { transactionalId: `${applicationId}-${options.processId}-1`, transactionTimeoutMs }
      : {}),
  })
  try {
    if (exactlyOnce) {
      await producer.initTransactions()
      await producer.begin()
    }
    return { producer, consumer: await openConsumer(broker, settings, options.anchors) }
  } catch (error) {
    await producer.close()
    throw error
  }
}

/**
 * Asks the application about an output that the broker has refused after it was sent. What belongs to us, a changelog or a repartition
 * topic, cannot be dropped: state or input would be lost.
 */
function sendErrorHandler(
  settings: RuntimeSettings,
  metrics: Metrics,
): NonNullable<ProducerOptions['onSendError']> {
  return (error, { topic, key }) => {
    if (topic.startsWith(`${settings.applicationId}-`)) return 'fail'
    const place = {
      taskId: undefined,
      topic,
      origin: 'broker',
      key,
      value: undefined,
      input: undefined,
    } as const
    if (answerOf(settings.productionErrorHandler(error, place)) !== 'continue') return 'fail'
    metrics.counter('dropped-records-total', { topic }).add()
    return 'continue'
  }
}

async function openConsumer(
  broker: Broker,
  settings: RuntimeSettings,
  anchors: AnchorPlan,
): Promise<Consumer> {
  const { applicationId, clientId, groupProtocol, sessionTimeoutMs, pollIntervalMsMax } = settings
  return broker.consumer({
    clientId: anchors.clientId(clientId),
    isolation: isolationOf(settings),
    group: { groupId: applicationId, protocol: groupProtocol, sessionTimeoutMs, pollIntervalMsMax },
  })
}

/** Refuses to join a group whose live members divide the work differently. */
export async function checkGroup(
  admin: Admin,
  settings: RuntimeSettings,
  anchors: AnchorPlan,
): Promise<void> {
  anchors.checkMembers(await admin.describeGroup(settings.applicationId))
}
