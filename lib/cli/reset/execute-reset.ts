import type { Admin, Broker } from '../../broker/broker.ts'
import { errorFrom, StreamsError } from '../../common/errors/errors.ts'
import type { Logger } from '../../common/logger.ts'
import { systemRandom } from '../../common/random.ts'
import { StateDirectory } from '../../runtime/state/state-directory.ts'
import type { ResetPlan } from './plan-reset.ts'

interface ResetOptions {
  readonly broker: Broker
  readonly admin: Admin
  readonly logger: Logger
  /** Looked at between two steps. */
  readonly signal: AbortSignal
}

/**
 * Does what the plan says. No broker can do it all or not at all, so where it ends in the middle it rejects
 * with `RESET_INCOMPLETE`: run again, with a new plan, it does the rest. The group goes first, since the
 * brokers delete it only while nobody is in it.
 */
export async function executeReset(plan: ResetPlan, around: ResetOptions): Promise<void> {
  try {
    for (const step of [resetOffsets, deleteTopics, removeState]) {
      if (around.signal.aborted) throw new StreamsError('INTERRUPTED', 'told to stop')
      await step(plan, around)
    }
  } catch (reason) {
    const cause = errorFrom(reason)
    const message =
      `the reset of ${plan.groupId} has ended in the middle: ${cause.message}. Run it again before you start the application, ` +
      'whose offsets and state do not belong together now'
    throw new StreamsError('RESET_INCOMPLETE', message, { cause })
  }
}

/**
 * With the group go offsets of its repartition topics, which will be made anew, and of inputs that it no
 * longer has.
 */
async function resetOffsets({ groupId, hasGroup, moves }: ResetPlan, around: ResetOptions): Promise<void> {
  const { admin, broker } = around
  if (hasGroup) await admin.deleteGroup(groupId)
  if (moves.length === 0) return
  const group = { groupId }
  const consumer = await broker.consumer({ clientId: 'millrace-reset', isolation: 'read_committed', group })
  try {
    await consumer.commit(moves.map(({ topic, partition, to }) => ({ topic, partition, offset: to })))
  } finally {
    await consumer.close()
  }
}

async function deleteTopics({ topics }: ResetPlan, { admin }: ResetOptions): Promise<void> {
  if (topics.length > 0) await admin.deleteTopics(topics)
}

async function removeState({ groupId, stateDirs }: ResetPlan, { logger }: ResetOptions): Promise<void> {
  for (const stateDir of stateDirs) {
    await StateDirectory.remove({ stateDir, applicationId: groupId }, systemRandom, logger)
  }
}
