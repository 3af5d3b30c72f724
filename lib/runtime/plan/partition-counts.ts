import { TopologyError } from '../../common/errors/errors.ts'
import type { CoPartitionGroup, TopologyPlan } from '../../topology/plan.ts'

/**
 * Partition counts of all source and sink topics: given for the user's, computed for repartition topics (set
 * in the topology, or as many as the largest source upstream, or as co-partitioning asks). Throws
 * `CO_PARTITIONING` where topics that are joined do not match.
 */
export function countPartitions(
  plan: TopologyPlan,
  existing: ReadonlyMap<string, number>,
): Map<string, number> {
  const counts = new Map<string, number>()
  for (const [topic, count] of existing) if (!plan.repartitionTopics.has(topic)) counts.set(topic, count)
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
  return counts
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
  const sources = writers.flatMap(({ sourceTopics }) => sourceTopics)
  const known = sources.map(source => counts.get(source))
  const largest = Math.max(0, ...known.map(count => count ?? 0))
  return largest === 0 || (!partly && known.includes(undefined)) ? undefined : largest
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
