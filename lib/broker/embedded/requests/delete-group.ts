import { BrokerError } from '../../broker-error.ts'
import type { BrokerState } from '../state/broker-state.ts'
import { keys } from '../log/keys.ts'

/** DeleteGroups, for one group. Only a group without members can be deleted; its offsets go with it. */
export function deleteGroup(state: BrokerState, groupId: string): void {
  state.assertOpen()
  const group = state.groups.get(groupId)
  if (!group) throw new BrokerError('GROUP_ID_NOT_FOUND', 'fatal', `group "${groupId}" does not exist`)
  if (group.members.size > 0) {
    const message = `group "${groupId}" has ${group.members.size} members; stop them first`
    throw new BrokerError('NON_EMPTY_GROUP', 'fatal', message)
  }
  for (const { topic, partition } of group.offsets.values()) {
    state.journal?.delete(keys.offset(groupId, topic, partition))
  }
  state.groups.delete(groupId)
}
