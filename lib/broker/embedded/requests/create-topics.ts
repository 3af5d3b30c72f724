import type { NewTopic } from '../../broker.ts'
import { BrokerError } from '../../broker-error.ts'
import type { BrokerState } from '../state/broker-state.ts'
import { keys } from '../log/keys.ts'
import { watchLogs } from '../state/log-cleaner.ts'
import type { TopicInfo } from '../log/topic.ts'
import { malformedSetting } from '../log/topic-config.ts'

const PARTITIONS_MAX = 10_000

/** CreateTopics. All or none. Left out: replication (there is one broker) and partitions added later. */
export function createTopics(state: BrokerState, topics: readonly NewTopic[]): void {
  state.assertOpen()
  for (const topic of topics) validate(state, topic)
  for (const { topic, partitionCount, config = {} } of topics) {
    const uuid = state.random.uuid()
    const info: TopicInfo = { topicId: state.nextTopicId, uuid, partitionCount, config: { ...config } }
    state.journal?.putJson(keys.topic(topic), info)
    watchLogs(state, state.addTopic(topic, info))
  }
  const names = new Set(topics.map(({ topic }) => topic))
  for (const group of state.groups.values()) {
    if ([...group.subscribedTopics()].some(topic => names.has(topic))) state.rebalance(group)
  }
}

function validate(state: BrokerState, { topic, partitionCount, config = {} }: NewTopic): void {
  if (!/^[a-zA-Z0-9._-]{1,249}$/.test(topic) || topic === '.' || topic === '..') {
    const message = `"${topic}" is no topic name: 1 to 249 letters, digits, '.', '_' and '-'`
    throw new BrokerError('INVALID_TOPIC_EXCEPTION', 'fatal', message)
  }
  if (state.topics.has(topic)) {
    throw new BrokerError('TOPIC_ALREADY_EXISTS', 'fatal', `topic "${topic}" exists already`)
  }
  if (!Number.isInteger(partitionCount) || partitionCount < 1 || partitionCount > PARTITIONS_MAX) {
    const message = `topic "${topic}": partitionCount ${partitionCount} is not within 1 to ${PARTITIONS_MAX}`
    throw new BrokerError('INVALID_PARTITIONS', 'fatal', message)
  }
  const setting = malformedSetting(config)
  if (setting === undefined) return
  const message = `topic "${topic}": ${setting} cannot be "${config[setting]}"`
  throw new BrokerError('INVALID_CONFIG', 'fatal', message)
}
