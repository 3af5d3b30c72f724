import type { Admin, NewTopic } from '../broker/broker.ts'
import { BrokerError } from '../broker/broker-error.ts'
import { StreamsError } from '../common/errors.ts'
import type { Job } from './job.ts'
import { isLocal } from './run-options.ts'

/**
 * Sees to it that the topics are there which the run names: the file's own are created, the others, too, in an embedded broker or
 * when asked for. Else `TOPIC_MISSING`: on a cluster that others use, a misspelt name must not become a topic.
 */
export async function ensureTopics(job: Job, admin: Admin): Promise<void> {
  const { brokers, createTopics, partitions } = job.options
  const declared = job.file.topics ?? []
  const names = new Set([...declared.map(({ topic }) => topic), ...userTopics(job)])
  const existing = await admin.describeTopics([...names])
  const missing = new Set([...names].filter(topic => !existing.has(topic)))
  const wanted = declared.filter(({ topic }) => missing.delete(topic))
  if (missing.size > 0 && !isLocal(brokers) && !createTopics) throw topicsMissing([...missing], brokers)
  const others = [...missing].map(topic => ({ topic, partitionCount: partitions }))
  for (const topic of [...wanted, ...others]) await create(job, admin, topic)
}

/** Those the application reads and writes but for its internal ones, and those of the command line. */
function userTopics({ plan, options }: Job): string[] {
  const named = [...plan.subtopologies, ...plan.globalSubtopologies].flatMap(
    ({ sourceTopics, sinkTopics }) => [...sourceTopics, ...sinkTopics],
  )
  return [
    ...named.filter(topic => !plan.repartitionTopics.has(topic)),
    ...options.input.map(({ name }) => name),
    ...options.print,
  ]
}

async function create(job: Job, admin: Admin, topic: NewTopic): Promise<void> {
  try {
    await admin.createTopics([topic])
    job.logger.log('info', `topic ${topic.topic} created`, { partitions: topic.partitionCount })
  } catch (error) {
    // Another process was faster.
    if (!(error instanceof BrokerError && error.code === 'TOPIC_ALREADY_EXISTS')) throw error
  }
}

function topicsMissing(topics: readonly string[], brokers: string): StreamsError {
  const list = topics.map(topic => `"${topic}"`).join(', ')
  return new StreamsError(
    'TOPIC_MISSING',
    `${list}: no such topic at ${brokers}. Create what is missing, or add --create-topics (with --partitions)`,
  )
}
