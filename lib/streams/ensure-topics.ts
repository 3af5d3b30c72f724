import type { Admin, Broker, NewTopic } from '../broker/broker.ts'
import { BrokerError } from '../broker/broker-error.ts'
import { TopologyError } from '../common/errors/errors.ts'
import type { Logger } from '../common/logger.ts'

export interface EnsureOptions {
  readonly broker: Broker
  readonly admin: Admin
  readonly logger: Logger
}

/**
 * Checks that the application's declared topics exist. On brokers in this process missing ones are created;
 * on a cluster, which others use as well, a missing one is `TOPIC_MISSING`, and another partition count than
 * the declared one is logged.
 */
export async function ensureTopics(
  topics: readonly NewTopic[],
  { broker, admin, logger }: EnsureOptions,
): Promise<void> {
  if (topics.length === 0) return
  const found = await admin.describeTopics(topics.map(({ topic }) => topic))
  const missing = topics.filter(({ topic }) => !found.has(topic))
  const isOwn = broker.name === 'memory' || broker.name === 'embedded'
  if (missing.length > 0 && !isOwn) throw topicsMissing(missing, broker.name)
  for (const topic of missing) await createTopic(topic, admin, logger)
  for (const { topic, partitionCount } of topics) {
    const actual = found.get(topic)?.partitionCount ?? partitionCount
    if (actual === partitionCount) continue
    const message = `topic ${topic} has ${actual} partitions, and the setting "topics" declares ${partitionCount}; it is used as it is`
    logger.log('warn', message)
  }
}

/** Creates a topic. Another process may be faster, which is as good. */
export async function createTopic(topic: NewTopic, admin: Admin, logger: Logger): Promise<void> {
  try {
    await admin.createTopics([topic])
    logger.log('info', `topic ${topic.topic} created`, { partitions: topic.partitionCount })
  } catch (error) {
    if (!(error instanceof BrokerError && error.code === 'TOPIC_ALREADY_EXISTS')) throw error
  }
}

function topicsMissing(topics: readonly NewTopic[], brokers: string): TopologyError {
  const commands = topics.map(
    ({ topic, partitionCount, config = {} }) =>
      `kafka-topics --create --topic ${topic} --partitions ${partitionCount}${Object.entries(config)
        .map(([name, value]) => ` --config ${name}=${value}`)
        .join('')}`,
  )
  const names = topics.map(({ topic }) => `"${topic}"`).join(', ')
  return new TopologyError(
    'TOPIC_MISSING',
    `${names}: no such topic at ${brokers}. Create what is missing: ${commands.join('; ')}`,
  )
}
