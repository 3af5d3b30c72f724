import type { Admin, TopicPartition } from '../../broker/broker.ts'
import { partitionKey } from '../../common/ids.ts'
import type { Clock } from '../../common/clock.ts'
import type { Logger } from '../../common/logger.ts'
import type { TopologyPlan } from '../../topology/plan.ts'
import type { PendingInputs, Waiting } from './pending-inputs.ts'

const ROUND_MS = 150
const TELL_FIRST_MS = 5_000
const TELL_EVERY_MS = 30_000
/** One round may fall between two steps of a record; so many in a row, with nothing moving, do not. */
const QUIET_ROUNDS = 3

/**
 * Resolves when the application has processed all of its source topics: its group has committed their ends,
 * repartition topics included, no asynchronous call is under way, and for a moment nothing has moved. Also
 * resolves when the signal aborts.
 */
export async function untilIdle(
  plan: TopologyPlan,
  admin: Admin,
  {
    clock,
    signal,
    pending,
    logger,
  }: {
    readonly clock: Clock
    readonly signal: AbortSignal
    readonly pending: PendingInputs
    readonly logger: Logger
  },
): Promise<void> {
  const tellWaiting = teller(clock, logger)
  let quiet = 0
  let before = ''
  while (quiet < QUIET_ROUNDS && !signal.aborted) {
    await clock.sleep(ROUND_MS, signal)
    const { lag, ends } = await measure(plan, admin)
    const waiting = lag === 0 ? await pending.count(signal) : undefined
    quiet = waiting?.count === 0 && ends === before ? quiet + 1 : 0
    before = ends
    if (waiting && waiting.count > 0) tellWaiting(waiting)
  }
}

/** Tells of what waits, now and then: an input may be parked for hours. */
function teller(clock: Clock, logger: Logger): (waiting: Waiting) => void {
  let nextMs = clock.monotonicMs() + TELL_FIRST_MS
  return ({ count, nextDueMs }) => {
    if (clock.monotonicMs() < nextMs) return
    nextMs = clock.monotonicMs() + TELL_EVERY_MS
    const inputs = count === 1 ? '1 input is' : `${count.toLocaleString('en')} inputs are`
    const until = nextDueMs === Infinity ? '' : `, the next call is at ${new Date(nextDueMs).toISOString()}`
    logger.log('info', `--exit-when-idle waits: ${inputs} being called, parked or paused${until}`)
  }
}

interface Progress {
  /** Records, markers included, that are still to be processed. */
  readonly lag: number
  /** All end offsets: changes when anything is written. */
  readonly ends: string
}

async function measure(plan: TopologyPlan, admin: Admin): Promise<Progress> {
  const partitions = await sourcePartitions(plan, admin)
  const [begins, ends, committed] = await Promise.all([
    admin.beginningOffsets(partitions),
    admin.endOffsets(partitions, 'read_uncommitted'),
    admin.groupOffsets(plan.applicationId, partitions),
  ])
  let lag = 0
  for (const { topic, partition } of partitions) {
    const key = partitionKey(topic, partition)
    const done = committed.get(key)?.offset ?? begins.get(key) ?? 0
    lag += Math.max(0, (ends.get(key) ?? 0) - done)
  }
  return { lag, ends: JSON.stringify([...ends]) }
}

/** Asked for anew each time: repartition topics appear while the application starts. */
export async function sourcePartitions(plan: TopologyPlan, admin: Admin): Promise<TopicPartition[]> {
  const names = plan.subtopologies.flatMap(({ sourceTopics }) => sourceTopics)
  const topics = await admin.describeTopics(names)
  return [...topics.values()].flatMap(({ topic, partitionCount }) =>
    Array.from({ length: partitionCount }, (_, partition) => ({ topic, partition })),
  )
}
