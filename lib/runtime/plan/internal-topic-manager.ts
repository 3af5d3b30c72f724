import type { Admin, NewTopic, OffsetToCommit } from '../../broker/broker.ts'
import { BrokerError } from '../../broker/broker-error.ts'
import { present } from '../../common/assert.ts'
import { StreamsError, TopologyError } from '../../common/errors/errors.ts'
import type { Logger } from '../../common/logger.ts'
import type { SubtopologyPlan, TopologyPlan } from '../../topology/plan.ts'
import { internalTopicsOf, ownSourcesOf, ownTopicsOf } from '../../topology/internal-topics.ts'
import { countPartitions } from './partition-counts.ts'

/** Settings of repartition topics, which are purged as they are processed. */
const REPARTITION_CONFIG = {
  'cleanup.policy': 'delete',
  'retention.ms': '-1',
  'message.timestamp.type': 'CreateTime',
}

/**
 * Checks, before anything is processed, that every topic exists with a partition count that fits: topics of
 * the user must exist, internal ones are made. Returns the partition count of every topic the plan names.
 */
export async function prepareTopics(
  plan: TopologyPlan,
  admin: Admin,
  options: {
    readonly replicationFactor: number
    readonly windowStoreChangelogAdditionalRetentionMs: number
    readonly deadLetterQueueTopic?: string | undefined
    readonly logger: Logger
  },
): Promise<ReadonlyMap<string, number>> {
  const { deadLetterQueueTopic } = options
  const names = [...namedTopics(plan), ...(deadLetterQueueTopic === undefined ? [] : [deadLetterQueueTopic])]
  const existing = new Map<string, number>()
  for (const [topic, { partitionCount }] of await admin.describeTopics(names))
    existing.set(topic, partitionCount)
  checkUserTopics(plan, names, existing)
  const counts = countPartitions(plan, existing)
  const wanted = internalTopics(plan, counts, options.windowStoreChangelogAdditionalRetentionMs)
  const missing = wanted.filter(({ topic }) => !existing.has(topic))
  checkExisting(wanted, existing)
  if (missing.length > 0) {
    options.logger.log('info', 'creating internal topics', {
      topics: missing.map(({ topic }) => topic).join(', '),
    })
    await tellLost(plan, missing, { admin, logger: options.logger, counts })
    await createMissing(admin, missing, options.replicationFactor)
  }
  for (const { topic, partitionCount } of wanted) counts.set(topic, partitionCount)
  return counts
}

/**
 * Warns of missing internal topics, with what is lost with them, where the application has run before with
 * this topology. State on disk tells more, as its tasks are taken over.
 */
async function tellLost(
  plan: TopologyPlan,
  missing: readonly NewTopic[],
  { admin, logger, counts }: { admin: Admin; logger: Logger; counts: ReadonlyMap<string, number> },
): Promise<void> {
  const inputs = plan.subtopologies.flatMap(({ sourceTopics }) => sourceTopics)
  const partitions = [...new Set(inputs)].flatMap(topic =>
    Array.from({ length: counts.get(topic) ?? 0 }, (_, partition) => ({ topic, partition })),
  )
  const offsets = await admin.groupOffsets(plan.applicationId, partitions).catch((error: unknown) => {
    logger.log('debug', 'committed offsets could not be read', { error })
    return new Map<string, OffsetToCommit>()
  })
  if (offsets.size === 0) return
  for (const { topic } of missing) {
    const isInput = plan.repartitionTopics.has(topic)
    const ranges = [...offsets.values()]
      .filter(offset => offset.topic === topic)
      .map(({ partition, offset }) => `${topic}-${partition} from offset ${offset} on`)
    const lost = isInput
      ? `the records in it that were not processed are lost (${ranges.join(', ') || 'its offsets went with it'})`
      : 'its records are lost'
    logger.log(
      isInput ? 'error' : 'warn',
      `internal topic "${topic}" is missing, though the application has committed offsets: it is made anew. Unless it is new in this version of ` +
        `the topology, it was deleted, and ${lost}`,
    )
  }
}

/**
 * Makes missing topics. Several processes start at once and each finds them missing: the first makes them.
 */
async function createMissing(
  admin: Admin,
  topics: readonly NewTopic[],
  replicationFactor: number,
): Promise<void> {
  for (const topic of topics) {
    try {
      await admin.createTopics([{ ...topic, replicationFactor }])
    } catch (error) {
      if (!(error instanceof BrokerError && error.code === 'TOPIC_ALREADY_EXISTS')) throw error
    }
  }
}

function namedTopics(plan: TopologyPlan): string[] {
  const names = new Set<string>(internalTopicsOf(plan))
  for (const { sourceTopics, sinkTopics, stores } of [...plan.subtopologies, ...plan.globalSubtopologies]) {
    for (const topic of [...sourceTopics, ...sinkTopics]) names.add(topic)
    for (const { changelogTopic } of stores) if (changelogTopic !== undefined) names.add(changelogTopic)
  }
  return [...names]
}

function checkUserTopics(
  plan: TopologyPlan,
  names: readonly string[],
  existing: ReadonlyMap<string, number>,
): void {
  const ours = internalTopicsOf(plan)
  const missing = names.filter(name => !ours.has(name) && !existing.has(name))
  if (missing.length === 0) return
  const list = missing.map(name => `"${name}"`).join(', ')
  throw new TopologyError(
    'TOPIC_MISSING',
    `${missing.length === 1 ? 'topic' : 'topics'} ${list} of the topology ${missing.length === 1 ? 'does' : 'do'} not exist: create ` +
      `${missing.length === 1 ? 'it' : 'them'} first (only internal topics are created by the application)`,
  )
}

function internalTopics(
  plan: TopologyPlan,
  counts: ReadonlyMap<string, number>,
  additionalRetentionMs: number,
): NewTopic[] {
  const repartition = Array.from(plan.repartitionTopics.values(), ({ topic, config }) => ({
    topic,
    partitionCount: present(counts.get(topic), `partition count of ${topic}`),
    config: { ...REPARTITION_CONFIG, ...config },
  }))
  const all = [...plan.subtopologies, ...plan.globalSubtopologies]
  const ofTasks = all.map(subtopology => taskTopics(subtopology, counts, additionalRetentionMs))
  const sources = all.flatMap(each => [...ownSourcesOf(each)])
  const own = sources.map(([topic, { config }]) => ({
    topic,
    partitionCount: present(counts.get(topic), `partition count of ${topic}`),
    config: { 'message.timestamp.type': 'CreateTime', ...config },
  }))
  return [...repartition, ...ofTasks.flat(), ...own.filter(({ partitionCount }) => partitionCount > 0)]
}

/** Topics with one partition a task: changelogs, and those that nodes write for themselves. */
function taskTopics(
  plan: SubtopologyPlan,
  counts: ReadonlyMap<string, number>,
  additionalRetentionMs: number,
): NewTopic[] {
  const partitionCount = Math.max(0, ...plan.sourceTopics.map(topic => counts.get(topic) ?? 0))
  // A task count of 0 is not known yet: the patterns of its sources match nothing.
  if (partitionCount === 0) return []
  const own = ownTopicsOf(plan).map(({ topic, config }) => ({
    topic,
    partitionCount,
    config: { 'message.timestamp.type': 'CreateTime', ...config },
  }))
  const changelogs = plan.stores.flatMap(({ changelogTopic, changelogIsSource, builder }) => {
    if (changelogTopic === undefined || changelogIsSource || builder.changelog === undefined) return []
    const { config, cleanupPolicy, retentionMs } = builder.changelog
    const defaults = {
      'cleanup.policy': cleanupPolicy,
      'message.timestamp.type': 'CreateTime',
      ...(retentionMs !== undefined && { 'retention.ms': long(retentionMs + additionalRetentionMs) }),
    }
    return [{ topic: changelogTopic, partitionCount, config: { ...defaults, ...config } }]
  })
  return [...changelogs, ...own]
}

/** Milliseconds as a `long` of the broker, whose largest value is the retention of unlimited windows. */
function long(ms: number): string {
  return ms > Number.MAX_SAFE_INTEGER ? '9223372036854775807' : String(ms)
}

function checkExisting(wanted: readonly NewTopic[], existing: ReadonlyMap<string, number>): void {
  for (const { topic, partitionCount } of wanted) {
    const present = existing.get(topic)
    if (present === undefined || present === partitionCount) continue
    throw new StreamsError(
      'INTERNAL_TOPIC_MISMATCH',
      `internal topic "${topic}" has ${present} partitions, but the topology needs ${partitionCount}: partition counts of its ` +
        'inputs have changed. Keys would move away from their state. Reset the application, or give it a new applicationId.',
    )
  }
}
