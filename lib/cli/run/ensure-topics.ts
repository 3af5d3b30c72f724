import type { Admin } from '../../broker/broker.ts'
import { StreamsError } from '../../common/errors/errors.ts'
import { createTopic } from '../../streams/ensure-topics.ts'
import { nearest } from '../../common/nearest-name.ts'
import { CLEANUP_POLICY, compactedTopicsOf } from '../../runtime/plan/check-compacted.ts'
import { inputsOfItself } from '../../topology/internal-topics.ts'
import { matchesTopic } from '../../topology/topic-pattern.ts'
import { UsageError } from '../output/exit-code.ts'
import type { Job } from './job.ts'
import { isLocal } from '../options/run-options.ts'

/**
 * Sees to it that the topics are there which the run names: the file's own are created, the others, too, in
 * an embedded broker or when asked for. Else `TOPIC_MISSING`: on a cluster that others use, a misspelt name
 * must not become a topic.
 */
export async function ensureTopics(job: Job, admin: Admin): Promise<void> {
  const { brokers, createTopics, partitions } = job.options
  const declared = job.file.topics ?? []
  const names = new Set([...declared.map(({ topic }) => topic), ...userTopics(job)])
  const existing = await admin.describeTopics([...names])
  const missing = new Set([...names].filter(topic => !existing.has(topic)))
  refuseUnknown(job, missing)
  const wanted = declared.filter(({ topic }) => missing.delete(topic))
  if (missing.size > 0 && !isLocal(brokers) && !createTopics) throw topicsMissing([...missing], brokers)
  const compacted = compactedTopicsOf(job.plan)
  const others = [...missing].map(topic => ({
    topic,
    partitionCount: partitions,
    ...(compacted.has(topic) && { config: { [CLEANUP_POLICY]: 'compact' } }),
  }))
  for (const topic of [...wanted, ...others]) await createTopic(topic, admin, job.logger)
}

/** Topics that the application reads and writes, but for its internal ones, and those of the command line. */
function userTopics({ plan, options, config }: Job): string[] {
  const named = [...plan.subtopologies, ...plan.globalSubtopologies].flatMap(
    ({ sourceTopics, sinkTopics }) => [...sourceTopics, ...sinkTopics],
  )
  const internal = inputsOfItself(plan)
  return [
    ...named.filter(topic => !internal.has(topic)),
    ...letters(config),
    ...options.input.map(({ name }) => name),
    ...options.print,
  ]
}

function letters({ deadLetterQueueTopic }: Job['config']): string[] {
  return deadLetterQueueTopic === undefined ? [] : [deadLetterQueueTopic]
}

/**
 * What the command line names is the application's, or there already: a misspelt name would become a topic
 * that nobody reads.
 */
function refuseUnknown(job: Job, missing: ReadonlySet<string>): void {
  const { plan, options } = job
  const known = knownTopics(job)
  const nodes = plan.subtopologies.flatMap(each => each.nodes)
  const matchesSource = (topic: string) =>
    nodes.some(node => node.kind === 'source' && node.pattern && matchesTopic(node.pattern, topic))
  // Which topics they write is known record by record.
  const hasComputedSink = nodes.some(node => node.kind === 'sink' && typeof node.topic === 'function')
  const refuse = (option: string, topic: string) => {
    const guess = nearest(topic, [...known])
    const message =
      `${option} ${topic}: neither a topic of ${options.file} nor one that the brokers have` +
      `${guess ? `; did you mean ${guess}?` : ''}`
    throw new UsageError('UNKNOWN_TOPIC', message)
  }
  const isUnknown = (topic: string) => missing.has(topic) && !known.has(topic)
  for (const { name } of options.input) if (isUnknown(name) && !matchesSource(name)) refuse('--input', name)
  for (const topic of options.print) if (isUnknown(topic) && !hasComputedSink) refuse('--print', topic)
}

/** Topics of the application, internal ones included, which the application makes when it starts. */
function knownTopics({ plan, file, config }: Job): ReadonlySet<string> {
  const all = [...plan.subtopologies, ...plan.globalSubtopologies]
  const changelogs = all.flatMap(({ stores }) => stores.flatMap(({ changelogTopic }) => changelogTopic ?? []))
  const ends = all.flatMap(({ sourceTopics, sinkTopics }) => [...sourceTopics, ...sinkTopics])
  return new Set([
    ...(file.topics ?? []).map(({ topic }) => topic),
    ...ends,
    ...changelogs,
    ...letters(config),
  ])
}

function topicsMissing(topics: readonly string[], brokers: string): StreamsError {
  const list = topics.map(topic => `"${topic}"`).join(', ')
  return new StreamsError(
    'TOPIC_MISSING',
    `${list}: no such topic at ${brokers}. Create what is missing, or add --create-topics (with --partitions)`,
  )
}
