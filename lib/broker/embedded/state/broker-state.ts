import type { Clock, Timer } from '../../../common/clock.ts'
import { partitionKey } from '../../../common/ids.ts'
import type { Random } from '../../../common/random.ts'
import type { TopicPartition } from '../../broker.ts'
import { ChunkCache } from '../log/chunk-cache.ts'
import { ChunkStore } from '../log/chunk-store.ts'
import { clientClosed, unknownPartition } from './errors.ts'
import { Group } from './group.ts'
import type { Interceptions } from './interceptions.ts'
import type { Journal } from '../log/journal.ts'
import { logId } from '../log/keys.ts'
import { PartitionLog } from '../log/partition-log.ts'
import type { Topic, TopicInfo } from '../log/topic.ts'
import { parseTopicConfig } from '../log/topic-config.ts'
import { TransactionState } from './transaction-state.ts'

export interface BrokerStateOptions {
  readonly clock: Clock
  readonly random: Random
  readonly interceptions: Interceptions
  /** Absent: everything is in memory. */
  readonly journal: Journal | undefined
  readonly recordBytesMax: number
  readonly cacheBytesMax: number
}

/**
 * The one owner of all that an embedded broker knows. Operations, a file each, change it; clients call
 * operations.
 */
export class BrokerState {
  readonly clock: Clock
  readonly random: Random
  readonly interceptions: Interceptions
  readonly journal: Journal | undefined
  readonly recordBytesMax: number
  readonly topics = new Map<string, Topic>()
  readonly groups = new Map<string, Group>()
  readonly transactions = new Map<string, TransactionState>()
  /** Retention and compaction under way, one at a time for a log; a closing broker waits for them. */
  readonly cleanings = new Map<PartitionLog, Promise<void>>()
  /** Runs only while a topic with `retention.ms` exists. */
  retentionTimer: Timer | undefined
  closed = false
  nextProducerId = 1
  nextTopicId = 1
  readonly #cache: ChunkCache

  constructor(options: BrokerStateOptions) {
    this.clock = options.clock
    this.random = options.random
    this.interceptions = options.interceptions
    this.journal = options.journal
    this.recordBytesMax = options.recordBytesMax
    this.#cache = new ChunkCache(options.cacheBytesMax)
  }

  assertOpen(): void {
    if (this.closed) throw clientClosed('broker')
  }

  /** Everything so far is as durable as it will be. */
  async settled(): Promise<void> {
    if (this.journal) await this.journal.settled()
  }

  log(topic: string, partition: number): PartitionLog | undefined {
    return this.topics.get(topic)?.logs[partition]
  }

  logOrThrow(partition: TopicPartition): PartitionLog {
    const log = this.log(partition.topic, partition.partition)
    if (!log) throw unknownPartition(partition)
    return log
  }

  addTopic(name: string, info: TopicInfo): Topic {
    const config = parseTopicConfig(info.config, this.recordBytesMax)
    const logs = Array.from({ length: info.partitionCount }, (_, partition) => {
      const store = new ChunkStore(logId(info.topicId, partition), this.journal, this.#cache)
      return new PartitionLog({ topic: name, partition, config, store })
    })
    const topic = { ...info, topic: name, logs }
    this.topics.set(name, topic)
    this.nextTopicId = Math.max(this.nextTopicId, info.topicId + 1)
    return topic
  }

  /** Made on first use, as in Kafka. */
  group(groupId: string): Group {
    let group = this.groups.get(groupId)
    if (!group) this.groups.set(groupId, (group = new Group(groupId)))
    return group
  }

  transaction(transactionalId: string): TransactionState {
    let transaction = this.transactions.get(transactionalId)
    if (!transaction) transaction = this.addTransaction(transactionalId, this.nextProducerId, 0)
    return transaction
  }

  addTransaction(transactionalId: string, producerId: number, epoch: number): TransactionState {
    const transaction = new TransactionState(transactionalId, producerId, epoch)
    this.transactions.set(transactionalId, transaction)
    this.nextProducerId = Math.max(this.nextProducerId, producerId + 1)
    return transaction
  }

  /** All partitions of these topics, by `partitionKey`: what an assignor shares out. */
  partitionsOf(topics: Iterable<string>): Map<string, TopicPartition> {
    const partitions = new Map<string, TopicPartition>()
    for (const name of topics) {
      for (const { topic, partition } of this.topics.get(name)?.logs ?? []) {
        partitions.set(partitionKey(topic, partition), { topic, partition })
      }
    }
    return partitions
  }

  rebalance(group: Group): void {
    group.rebalance(this.partitionsOf(group.subscribedTopics()))
  }
}
