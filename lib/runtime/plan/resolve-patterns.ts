import { internalTopicsOf } from '../../topology/internal-topics.ts'
import type { NodePlan, SubtopologyPlan, TopologyPlan } from '../../topology/plan.ts'
import { matchesTopic } from '../../topology/topic-pattern.ts'

/** Topics of the brokers themselves, which no pattern matches. */
const BROKER_TOPIC = /^__/

export function hasPatterns(plan: TopologyPlan): boolean {
  return plan.subtopologies.some(({ nodes }) => nodes.some(node => node.kind === 'source' && node.pattern))
}

/**
 * The plan with the topics that match its patterns now. A topic that is created later shows at the next look
 * at the metadata, and the thread starts over with a plan resolved anew.
 */
export function resolvePatterns(plan: TopologyPlan, topics: readonly string[]): TopologyPlan {
  if (!hasPatterns(plan)) return plan
  const internal = internalTopicsOf(plan)
  const candidates = topics.filter(topic => !internal.has(topic) && !BROKER_TOPIC.test(topic)).sort()
  const matching = (pattern: RegExp) => candidates.filter(topic => matchesTopic(pattern, topic))
  return {
    ...plan,
    subtopologies: plan.subtopologies.map(subtopology => resolved(subtopology, matching)),
    coPartitionGroups: plan.coPartitionGroups.map(group => ({
      ...group,
      topics: [...new Set([...group.topics, ...(group.patterns ?? []).flatMap(matching)])],
    })),
  }
}

function resolved(
  subtopology: SubtopologyPlan,
  matching: (pattern: RegExp) => readonly string[],
): SubtopologyPlan {
  const nodes = subtopology.nodes.map((node): NodePlan =>
    node.kind === 'source' && node.pattern ? { ...node, topics: matching(node.pattern) } : node,
  )
  const found = nodes.flatMap(node => (node.kind === 'source' ? node.topics : []))
  return { ...subtopology, nodes, sourceTopics: [...new Set([...subtopology.sourceTopics, ...found])] }
}
