import type { Admin, Broker, Consumer, Producer } from '../../broker/broker.ts'
import type { AnchorPlan } from '../plan/anchor-plan.ts'
import { isolationOf } from '../plan/isolation.ts'
import type { Refusals } from '../nodes/refusals.ts'
import type { RuntimeSettings } from '../plan/settings.ts'

export interface ThreadClientOptions {
  readonly broker: Broker
  readonly admin: Admin
  readonly settings: RuntimeSettings
  readonly refusals: Refusals
}

/** The clients of one stream thread, made anew when it rejoins. */
export interface ThreadClients {
  readonly consumer: Consumer
  readonly producer: Producer
}

/**
 * Opens the clients side by side, and looks at the group meanwhile, since each of the three waits for a
 * broker several times. Joining the group is the caller's next step, and must wait for all of them: the
 * producer ends a transaction that this process left behind before the group hands out partitions, whose
 * committed offsets that transaction may hold undecided.
 */
export async function openClients(
  { broker, admin, settings, refusals }: ThreadClientOptions,
  { anchors, processId }: { readonly anchors: AnchorPlan; readonly processId: string },
): Promise<ThreadClients> {
  const checking = checkGroup(admin, settings, anchors)
  const opening = [
    openProducer(broker, settings, { processId, refusals }),
    openConsumer(broker, settings, anchors),
  ] as const
  const [checked, producer, consumer] = await Promise.allSettled([checking, ...opening])
  if (checked.status === 'fulfilled' && producer.status === 'fulfilled' && consumer.status === 'fulfilled')
    return { producer: producer.value, consumer: consumer.value }
  for (const opened of [producer, consumer]) if (opened.status === 'fulfilled') await opened.value.close()
  throw [checked, producer, consumer].find(result => result.status === 'rejected')?.reason
}

async function openProducer(
  broker: Broker,
  settings: RuntimeSettings,
  { processId, refusals }: { readonly processId: string; readonly refusals: Refusals },
): Promise<Producer> {
  const { applicationId, clientId, transactionTimeoutMs } = settings
  const exactlyOnce = settings.processingGuarantee === 'exactly-once'
  const producer = await broker.producer({
    clientId: `${clientId}-producer`,
    // The refusal is decided about when the epoch is repeated, and the input of the record is at hand.
    onSendError: (error, record) => {
      refusals.note(error, record)
      return 'fail'
    },
    ...(exactlyOnce ? { transactionalId: `${applicationId}-${processId}-1`, transactionTimeoutMs } : {}),
  })
  if (!exactlyOnce) return producer
  try {
    await producer.initTransactions()
    await producer.begin()
    return producer
  } catch (error) {
    await producer.close()
    throw error
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

/** Throws where live members of the group divide the work differently. */
export async function checkGroup(
  admin: Admin,
  settings: RuntimeSettings,
  anchors: AnchorPlan,
): Promise<void> {
  anchors.checkMembers(await admin.describeGroup(settings.applicationId))
}
