import { partitionKey } from '../../../common/ids.ts'
import type { OffsetToCommit } from '../../broker.ts'
import type { BrokerState } from '../state/broker-state.ts'
import { keys } from '../log/keys.ts'

/** A consumer as its group knows it; without a member id it has not joined. */
export interface Membership {
  readonly groupId: string
  readonly memberId: string | undefined
}

/**
 * OffsetCommit. Refused for a member that is no longer current. Left out: expiry of offsets (they are kept
 * for ever).
 */
export function commitOffsets(
  state: BrokerState,
  { groupId, memberId }: Membership,
  offsets: readonly OffsetToCommit[],
): void {
  state.assertOpen()
  const group = state.group(groupId)
  group.requireMember(memberId)
  for (const offset of offsets) state.logOrThrow(offset)
  for (const offset of offsets) {
    const { topic, partition } = offset
    group.offsets.set(partitionKey(topic, partition), { ...offset })
    state.journal?.putJson(keys.offset(groupId, topic, partition), offset)
  }
}
