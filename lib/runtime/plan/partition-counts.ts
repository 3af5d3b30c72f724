import { TopologyError } from '../../common/errors/errors.ts'
import { inputsOfItself, leadingTopicsOf, ownSourcesOf } from '../../topology/internal-topics.ts'
import type { CoPartitionGroup, SubtopologyPlan, TopologyPlan } from '../../topology/plan.ts'

/**
 * Partition counts of all source and sink topics: given for the user's, computed for repartition topics (set
 * in the topology, or as many as the largest source upstream, or as co-partitioning asks), and then for the
 * application's own sources. Throws `CO_PARTITIONING` where topics that are joined do not match.
 */
export function countPartitions(
  plan: TopologyPlan,
  existing: ReadonlyMap<string, number>,
): Map<string, number> {
  const counts = new Map<string, number>()
  const internal = inputsOfItself(plan)
  for (const [topic, count] of existing) if (!internal.has(topic)) counts.set(topic, count)
  for (const { topic, partitionCount } of plan.repartitionTopics.values()) {
    if (partitionCount !== undefined) counts.set(topic, partitionCount)
  }
  for (;;) {
    const open = [...plan.repartitionTopics.keys()].filter(topic => !counts.has(topic))
    if (open.length === 0) break
    const complete = upstreamCounts(plan, open, counts, { partly: false })
    // The two topics of a foreign-key join lie upstream of each other: known counts decide, and
    // co-partitioning below.
    const known = complete.length > 0 ? complete : upstreamCounts(plan, open, counts, { partly: true })
    if (known.length === 0) throw circular(open)
    for (const [topic, count] of known) counts.set(topic, count)
  }
  for (const group of plan.coPartitionGroups) alignGroup(plan, group, counts)
  for (const each of [...plan.subtopologies, ...plan.globalSubtopologies]) countOwn(each, counts)
  return counts
}

function countOwn(plan: SubtopologyPlan, counts: Map<string, number>): void {
  const leading = leadingTopicsOf(plan)
  for (const [topic, { partitionCount }] of ownSourcesOf(plan)) {
    const ofTasks = leading.includes(topic) ? 1 : Math.max(0, ...leading.map(each => counts.get(each) ?? 0))
    counts.set(topic, partitionCount === 'tasks' ? ofTasks : partitionCount)
  }
}

function upstreamCounts(
  plan: TopologyPlan,
  topics: readonly string[],
  counts: ReadonlyMap<string, number>,
  how: { readonly partly: boolean },
): (readonly [topic: string, count: number])[] {
  return topics.flatMap(topic => {
    const count = upstreamCount(plan, topic, counts, how)
    return count === undefined ? [] : [[topic, count] as const]
  })
}

/**
 * The largest source of the sub-topologies that write to this topic; undefined while one of them is undecided
 * itself, unless `partly`.
 */
function upstreamCount(
  plan: TopologyPlan,
  topic: string,
  counts: ReadonlyMap<string, number>,
  { partly }: { readonly partly: boolean },
): number | undefined {
  const writers = plan.subtopologies.filter(({ sinkTopics }) => sinkTopics.includes(topic))
  const known = writers.flatMap(writer =>
    leadingTopicsOf(writer).map(source => counts.get(source) ?? ownCount(writer, source)),
  )
  const largest = Math.max(0, ...known.map(count => count ?? 0))
  return largest === 0 || (!partly && known.includes(undefined)) ? undefined : largest
}

/** Partitions of a source of the application's own that has no other beside it. */
function ownCount(plan: SubtopologyPlan, topic: string): number | undefined {
  const count = ownSourcesOf(plan).get(topic)?.partitionCount
  return count === 'tasks' ? 1 : count
}

function circular(topics: readonly string[]): TopologyError {
  return new TopologyError(
    'REPARTITION_CYCLE',
    `the partition counts of ${topics.join(', ')} depend on each other: give one of the repartition operations a partitionCount`,
  )
}

function alignGroup(plan: TopologyPlan, group: CoPartitionGroup, counts: Map<string, number>): void {
  const fixed = group.repartitionTopics.filter(
    topic => plan.repartitionTopics.get(topic)?.partitionCount !== undefined,
  )
  const given = [...group.topics, ...fixed]
  const first = given[0]
  const others = given.filter(topic => counts.get(topic) !== counts.get(first ?? topic))
  if (first !== undefined && others.length > 0) {
    const list = given.map(topic => `"${topic}" has ${counts.get(topic)}`).join(', ')
    throw new TopologyError(
      'CO_PARTITIONING',
      `joined topics must have equally many partitions: ${list}. Put repartition() before the join.`,
    )
  }
  const largest = Math.max(...group.repartitionTopics.map(topic => counts.get(topic) ?? 0))
  const count = first === undefined ? largest : counts.get(first)
  for (const topic of group.repartitionTopics) if (count !== undefined) counts.set(topic, count)
}
