import { partitionKey } from '../../../common/ids.ts'
import type { OffsetToCommit, TopicPartition } from '../../broker.ts'
import { BrokerError } from '../../broker-error.ts'
import type { BrokerState } from '../state/broker-state.ts'
import type { Group } from '../state/group.ts'

/**
 * OffsetFetch with `require_stable`: waits while a transaction with offsets for one of the partitions is
 * undecided.
 */
export async function fetchStableOffsets(
  state: BrokerState,
  groupId: string,
  partitions: readonly TopicPartition[],
  timeoutMs: number,
): Promise<ReadonlyMap<string, OffsetToCommit>> {
  const group = state.groups.get(groupId)
  const deadlineMs = state.clock.monotonicMs() + timeoutMs
  while (group && !group.isStable(partitions)) {
    const leftMs = deadlineMs - state.clock.monotonicMs()
    if (leftMs <= 0) throw unstable(groupId, partitions)
    await nextDecision(state, group, leftMs)
    state.assertOpen()
  }
  return fetchOffsets(state, groupId, partitions)
}

/** OffsetFetch: what is committed now, and durable. */
export async function fetchOffsets(
  state: BrokerState,
  groupId: string,
  partitions: readonly TopicPartition[],
): Promise<ReadonlyMap<string, OffsetToCommit>> {
  state.assertOpen()
  const offsets = state.groups.get(groupId)?.committed(partitions) ?? new Map<string, OffsetToCommit>()
  await state.settled()
  return offsets
}

function nextDecision(state: BrokerState, group: Group, timeoutMs: number): Promise<void> {
  return new Promise(resolve => {
    const timer = state.clock.schedule(timeoutMs, resolve)
    group.onDecision(() => {
      timer.cancel()
      resolve()
    })
  })
}

function unstable(groupId: string, partitions: readonly TopicPartition[]): BrokerError {
  const names = partitions.map(each => partitionKey(each.topic, each.partition)).join(', ')
  const message = `a transaction with offsets of group "${groupId}" is undecided (asked for ${names})`
  return new BrokerError('UNSTABLE_OFFSET_COMMIT', 'retriable', message, { partitions })
}
