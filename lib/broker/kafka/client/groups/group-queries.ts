import type { Clock } from '../../../../common/clock.ts'
import { BrokerError } from '../../../broker-error.ts'
import type { GroupDescription, OffsetToCommit, TopicPartition } from '../../../broker.ts'

/** Questions to a group's coordinator that need no membership. */
export interface GroupQueries {
  /**
   * Committed offsets by `partitionKey`. Where `stable` is set, it rejects with `UNSTABLE_OFFSET_COMMIT`
   * while an open transaction may change one of them.
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

/** The pause between two requests for stable offsets; completing a transaction takes about 30 ms. */
const UNSTABLE_BACKOFF_MS = 25

/** Committed offsets once no open transaction may change them. Rejects when the time is over. */
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

/**
 * Repeats a request after retriable errors: electing and loading a coordinator takes seconds on a new
 * cluster.
 */
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
