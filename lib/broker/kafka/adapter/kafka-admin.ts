import type { Clock } from '../../../common/clock.ts'
import { partitionKey } from '../../../common/ids.ts'
import { BrokerError } from '../../broker-error.ts'
import type {
  Admin,
  GroupDescription,
  IsolationLevel,
  NewTopic,
  OffsetToCommit,
  TopicDescription,
  TopicPartition,
  TopicPartitionOffset,
} from '../../broker.ts'
import { brokerErrorFrom } from '../native/classify-error.ts'
import { EARLIEST, LATEST } from '../native/control-client.ts'
import type { ControlClient, PartitionOffset } from '../native/control-client.ts'
import type { GroupQueries } from '../client/groups/group-queries.ts'
import { closedError } from '../protocol/protocol-error.ts'
import type { Cluster } from '../client/connection/cluster.ts'
import { describeTopics } from '../client/connection/describe-topics.ts'
import type { TopicMetadata } from '../protocol/metadata.ts'
import { topicSettings } from '../client/connection/topic-settings.ts'
import type { NativePartition, NativeTopic } from '../native/native-client.ts'

const REQUEST_TIMEOUT_MS = 30_000
const UNKNOWN_TOPIC = 3
const NO_ID = /^A*=*$/
/** Internal topics of Kafka, which its Java client hides, too. */
const INTERNAL_TOPICS = new Set(['__consumer_offsets', '__transaction_state', '__share_group_state'])

interface KnownTopic extends TopicDescription {
  /** Whether all partitions have a leader. */
  readonly isLed: boolean
}

/**
 * Administration by the native client. It cannot read the settings of topics, so descriptions have no
 * `config`, and `topicSettings` uses the direct path.
 */
export class KafkaAdmin implements Admin {
  readonly #control: ControlClient
  readonly #cluster: Cluster | undefined
  readonly #groups: GroupQueries
  readonly #clock: Clock
  #closed = false

  /** `cluster` is undefined without a direct path. */
  constructor(options: {
    readonly control: ControlClient
    readonly cluster: Cluster | undefined
    readonly groups: GroupQueries
    readonly clock: Clock
  }) {
    this.#control = options.control
    this.#cluster = options.cluster
    this.#groups = options.groups
    this.#clock = options.clock
  }

  async listTopics(): Promise<readonly string[]> {
    const names = await this.#open().call<readonly string[]>('listing topics', (native, callback) =>
      native.listTopics({ timeout: REQUEST_TIMEOUT_MS }, callback),
    )
    return names.filter(name => !INTERNAL_TOPICS.has(name))
  }

  async describeTopics(topics: readonly string[]): Promise<ReadonlyMap<string, TopicDescription>> {
    const described = new Map<string, TopicDescription>()
    for (const { topic, partitionCount, topicId } of await this.#known(topics))
      described.set(topic, { topic, partitionCount, topicId })
    return described
  }

  async topicSettings(
    topics: readonly string[],
    names: readonly string[],
  ): Promise<ReadonlyMap<string, ReadonlyMap<string, string>>> {
    this.#open()
    return this.#cluster && topics.length > 0 ? topicSettings(this.#cluster, topics, names) : new Map()
  }

  async createTopics(topics: readonly NewTopic[]): Promise<void> {
    const [taken] = await this.#known(topics.map(({ topic }) => topic))
    if (taken) {
      const message = `the topic ${taken.topic} exists already; describe it instead, or choose another name`
      throw new BrokerError('TOPIC_ALREADY_EXISTS', 'fatal', message)
    }
    // The client creates one topic per request, and requests hold the lock of the handle.
    for (const topic of topics) await this.#create(topic)
    await this.#until(`the leaders of ${names(topics)}`, async () => {
      const known = await this.#known(topics.map(({ topic }) => topic))
      return known.length === topics.length && known.every(({ isLed }) => isLed)
    })
  }

  async deleteTopics(topics: readonly string[]): Promise<void> {
    for (const topic of topics) {
      await this.#open().call(`deleting topic ${topic}`, (native, callback) =>
        native.deleteTopic(topic, REQUEST_TIMEOUT_MS, callback),
      )
    }
    await this.#until(`the end of ${topics.join(', ')}`, async () => (await this.#known(topics)).length === 0)
  }

  async beginningOffsets(partitions: readonly TopicPartition[]): Promise<ReadonlyMap<string, number>> {
    return offsetsOrThrow(await this.#open().listOffsets(partitions, EARLIEST, 'read_uncommitted'))
  }

  async endOffsets(
    partitions: readonly TopicPartition[],
    isolation: IsolationLevel,
  ): Promise<ReadonlyMap<string, number>> {
    return offsetsOrThrow(await this.#open().listOffsets(partitions, LATEST, isolation))
  }

  async deleteRecords(before: readonly TopicPartitionOffset[]): Promise<void> {
    if (before.length === 0) return
    const doing = 'deleting records'
    const options = { timeout: REQUEST_TIMEOUT_MS, operationTimeout: REQUEST_TIMEOUT_MS }
    const answers = await this.#open().call<readonly NativePartition[]>(doing, (native, callback) =>
      native.deleteRecords(before, options, callback),
    )
    for (const each of answers) {
      if (each.error) throw brokerErrorFrom(each.error, `${doing} of ${each.topic}-${each.partition}`, [each])
    }
  }

  async groupOffsets(
    groupId: string,
    partitions: readonly TopicPartition[],
  ): Promise<ReadonlyMap<string, OffsetToCommit>> {
    return this.#groupQueries.offsets(groupId, partitions, false)
  }

  async describeGroup(groupId: string): Promise<GroupDescription> {
    return this.#groupQueries.describe(groupId)
  }

  async deleteGroup(groupId: string): Promise<void> {
    await this.#groupQueries.delete(groupId)
  }

  async close(): Promise<void> {
    this.#closed = true
  }

  get #groupQueries(): GroupQueries {
    this.#open()
    return this.#groups
  }

  #open(): ControlClient {
    if (this.#closed) throw closedError('admin client')
    return this.#control
  }

  /**
   * The known ones of these topics, by the direct path if there is one: while no broker can be connected to,
   * the native client looks for the controller in a loop without a pause, in two threads (librdkafka 2.15.1,
   * `rd_kafka_admin_common_get_controller`).
   */
  async #known(topics: readonly string[]): Promise<readonly KnownTopic[]> {
    const control = this.#open()
    if (topics.length === 0) return []
    if (!this.#cluster) return this.#knownToClient(control, topics)
    return (await describeTopics(this.#cluster, this.#clock, topics)).map(knownTopic)
  }

  async #knownToClient(control: ControlClient, topics: readonly string[]): Promise<readonly KnownTopic[]> {
    const doing = `describing topics ${topics.join(', ')}`
    const described = await control.call<readonly NativeTopic[]>(doing, (native, callback) =>
      native.describeTopics(topics, { timeout: REQUEST_TIMEOUT_MS }, callback),
    )
    const known = described.filter(({ error }) => {
      if (error && error.code !== UNKNOWN_TOPIC) throw brokerErrorFrom(error, doing)
      return !error
    })
    return known.map(knownNativeTopic)
  }

  async #create({ topic, partitionCount, replicationFactor = -1, config }: NewTopic): Promise<void> {
    const request = {
      topic,
      num_partitions: partitionCount,
      replication_factor: replicationFactor,
      ...(config ? { config } : {}),
    }
    await this.#open().call(`creating topic ${topic}`, (native, callback) =>
      native.createTopic(request, REQUEST_TIMEOUT_MS, callback),
    )
  }

  async #until(what: string, done: () => Promise<boolean>): Promise<void> {
    const deadlineMs = this.#clock.monotonicMs() + REQUEST_TIMEOUT_MS
    for (let waitMs = 5; !(await done()); waitMs = Math.min(2 * waitMs, 200)) {
      if (this.#clock.monotonicMs() >= deadlineMs) {
        throw new BrokerError('REQUEST_TIMED_OUT', 'retriable', `gave up waiting for ${what}`)
      }
      await this.#clock.sleep(waitMs)
    }
  }
}

function offsetsOrThrow(answers: readonly PartitionOffset[]): ReadonlyMap<string, number> {
  const offsets = new Map<string, number>()
  for (const { topic, partition, offset, error } of answers) {
    if (error) throw error
    offsets.set(partitionKey(topic, partition), offset)
  }
  return offsets
}

function knownTopic({ topic, topicId, partitions }: TopicMetadata): KnownTopic {
  return {
    topic,
    partitionCount: partitions.size,
    // The topic id in the native client's form, in which state directories contain it.
    topicId:
      topicId === undefined ? undefined : Buffer.from(topicId, 'hex').toString('base64').replace(/=+$/, ''),
    isLed: partitions.size > 0 && [...partitions.values()].every(({ leader }) => leader >= 0),
  }
}

function knownNativeTopic({ name, topicId, partitions }: NativeTopic): KnownTopic {
  return {
    topic: name,
    partitionCount: partitions.length,
    topicId: topicId === undefined || NO_ID.test(topicId.base64) ? undefined : topicId.base64,
    isLed: partitions.every(({ leader }) => leader !== undefined && leader !== null),
  }
}

function names(topics: readonly NewTopic[]): string {
  return topics.map(({ topic }) => topic).join(', ')
}
