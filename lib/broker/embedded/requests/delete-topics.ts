import type { BrokerState } from '../state/broker-state.ts'
import { unknownTopic } from '../state/errors.ts'
import { keys } from '../log/keys.ts'

/** DeleteTopics. All or none. The groups' offsets of the topics go, too. */
export function deleteTopics(state: BrokerState, names: readonly string[]): void {
  state.assertOpen()
  for (const name of names) if (!state.topics.has(name)) throw unknownTopic(name)
  for (const name of names) {
    for (const log of state.topics.get(name)?.logs ?? []) log.delete()
    state.topics.delete(name)
    state.journal?.delete(keys.topic(name))
  }
  for (const group of state.groups.values()) {
    for (const [key, { topic, partition }] of group.offsets) {
      if (!names.includes(topic)) continue
      group.offsets.delete(key)
      state.journal?.delete(keys.offset(group.groupId, topic, partition))
    }
    state.rebalance(group)
  }
}
