import type { Clock } from '../../../../common/clock.ts'
import { BrokerError } from '../../../broker-error.ts'
import type { GroupDescription, OffsetToCommit, TopicPartition } from '../../../broker.ts'

/** What is asked of a group's coordinator from outside of the group. */
export interface GroupQueries {
  /**
   * Committed offsets by `partitionKey`. `stable`: rejects with `UNSTABLE_OFFSET_COMMIT` while one of them is
   * undecided.
   */
  offsets(
    groupId: string,
    partitions: readonly TopicPartition[],
    stable: boolean,
  ): Promise<ReadonlyMap<string, OffsetToCommit>>
  describe(groupId: string): Promise<GroupDescription>
  delete(groupId: string): Promise<void>
  close(): void
}

/** Between two questions whether offsets are decided; a transaction's completion takes about 30 ms. */
const UNSTABLE_BACKOFF_MS = 25

/** Asks again until the transactions are decided or the time is over. */
export async function stableOffsets(
  queries: GroupQueries,
  clock: Clock,
  question: {
    readonly groupId: string
    readonly partitions: readonly TopicPartition[]
    readonly timeoutMs: number
  },
): Promise<ReadonlyMap<string, OffsetToCommit>> {
  const { groupId, partitions, timeoutMs } = question
  return untilAnswered(clock, { timeoutMs, pauseMs: UNSTABLE_BACKOFF_MS }, () =>
    queries.offsets(groupId, partitions, true),
  )
}

/** Repeats what passes. Coordinators are elected, loaded and moved, which on a new cluster takes seconds. */
export async function untilAnswered<T>(
  clock: Clock,
  { timeoutMs, pauseMs }: { readonly timeoutMs: number; readonly pauseMs: number },
  ask: () => Promise<T>,
): Promise<T> {
  const deadlineMs = clock.monotonicMs() + timeoutMs
  for (;;) {
    try {
      return await ask()
    } catch (reason) {
      const mayPass = reason instanceof BrokerError && reason.class === 'retriable'
      if (!mayPass || clock.monotonicMs() + pauseMs >= deadlineMs) throw reason
    }
    await clock.sleep(pauseMs)
  }
}
