import { partitionKey } from '../../common/ids.ts'
import type {
  Admin,
  GroupDescription,
  IsolationLevel,
  NewTopic,
  OffsetToCommit,
  TopicDescription,
  TopicPartition,
  TopicPartitionOffset,
} from '../broker.ts'
import type { BrokerState } from './state/broker-state.ts'
import { createTopics } from './requests/create-topics.ts'
import { deleteGroup } from './requests/delete-group.ts'
import { deleteRecords } from './requests/delete-records.ts'
import { deleteTopics } from './requests/delete-topics.ts'
import { clientClosed } from './state/errors.ts'
import type { Operation } from './state/interceptions.ts'
import { fetchOffsets } from './requests/offset-fetch.ts'
import type { PartitionLog } from './log/partition-log.ts'
import { describeTopic } from './log/topic.ts'
import { settingsOf } from './log/topic-config.ts'

/**
 * Each method is one operation; what it does stands in the operation's file. Answers wait until what they
 * tell is durable.
 */
export class EmbeddedAdmin implements Admin {
  readonly #state: BrokerState
  #closed = false

  constructor(state: BrokerState) {
    this.#state = state
  }

  listTopics(): Promise<readonly string[]> {
    return this.#run('list-topics', () => [...this.#state.topics.keys()])
  }

  describeTopics(topics: readonly string[]): Promise<ReadonlyMap<string, TopicDescription>> {
    return this.#run('describe-topics', () => {
      const found = topics.map(name => this.#state.topics.get(name)).filter(topic => topic !== undefined)
      return new Map(found.map(topic => [topic.topic, describeTopic(topic)]))
    })
  }

  topicSettings(
    topics: readonly string[],
    names: readonly string[],
  ): Promise<ReadonlyMap<string, ReadonlyMap<string, string>>> {
    return this.#run('topic-settings', () => {
      const found = topics.map(name => this.#state.topics.get(name)).filter(topic => topic !== undefined)
      return new Map(found.map(({ topic, config }) => [topic, settingsOf(config, names)]))
    })
  }

  createTopics(topics: readonly NewTopic[]): Promise<void> {
    return this.#run('create-topics', () => createTopics(this.#state, topics))
  }

  deleteTopics(topics: readonly string[]): Promise<void> {
    return this.#run('delete-topics', () => deleteTopics(this.#state, topics))
  }

  beginningOffsets(partitions: readonly TopicPartition[]): Promise<ReadonlyMap<string, number>> {
    return this.#offsets(partitions, log => log.startOffset)
  }

  endOffsets(
    partitions: readonly TopicPartition[],
    isolation: IsolationLevel,
  ): Promise<ReadonlyMap<string, number>> {
    return this.#offsets(partitions, log => log.visibleEnd(isolation))
  }

  deleteRecords(before: readonly TopicPartitionOffset[]): Promise<void> {
    return this.#run('delete-records', () => deleteRecords(this.#state, before))
  }

  groupOffsets(
    groupId: string,
    partitions: readonly TopicPartition[],
  ): Promise<ReadonlyMap<string, OffsetToCommit>> {
    return this.#run('offset-fetch', () => fetchOffsets(this.#state, groupId, partitions), groupId)
  }

  describeGroup(groupId: string): Promise<GroupDescription> {
    const dead: GroupDescription = { groupId, state: 'dead', members: [] }
    return this.#run('describe-group', () => this.#state.groups.get(groupId)?.describe() ?? dead, groupId)
  }

  deleteGroup(groupId: string): Promise<void> {
    return this.#run('delete-group', () => deleteGroup(this.#state, groupId), groupId)
  }

  async close(): Promise<void> {
    this.#closed = true
  }

  #offsets(partitions: readonly TopicPartition[], offsetOf: (log: PartitionLog) => number) {
    return this.#run('list-offsets', () => {
      const logs = partitions.map(partition => this.#state.logOrThrow(partition))
      return new Map(logs.map(log => [partitionKey(log.topic, log.partition), offsetOf(log)]))
    })
  }

  async #run<T>(operation: Operation, act: () => T | Promise<T>, groupId?: string): Promise<T> {
    if (this.#closed) throw clientClosed('admin')
    this.#state.assertOpen()
    const answer = await this.#state.interceptions.run(
      { operation, ...(groupId === undefined ? {} : { groupId }) },
      act,
    )
    await this.#state.settled()
    return answer
  }
}
