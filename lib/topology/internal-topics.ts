import type { OwnSource } from './own-source.ts'
import type { OwnTopicPlan, SubtopologyPlan, TopologyPlan } from './plan.ts'

/** Names of the changelogs that are the application's own: a source topic that serves as one is not. */
export function changelogsOf({ subtopologies }: Pick<TopologyPlan, 'subtopologies'>): string[] {
  return subtopologies.flatMap(({ stores }) =>
    stores.flatMap(({ changelogTopic, changelogIsSource }) =>
      changelogTopic === undefined || changelogIsSource ? [] : [changelogTopic],
    ),
  )
}

/** Topics that nodes of the sub-topology have for themselves. */
export function ownTopicsOf({ nodes }: Pick<SubtopologyPlan, 'nodes'>): readonly OwnTopicPlan[] {
  return nodes.flatMap(node => (node.kind === 'processor' ? (node.ownTopics ?? []) : []))
}

/** Sources of the sub-topology that are the application's own, by topic. */
export function ownSourcesOf({ nodes }: Pick<SubtopologyPlan, 'nodes'>): ReadonlyMap<string, OwnSource> {
  return new Map(
    nodes.flatMap(node =>
      node.kind === 'source' && node.own ? node.topics.map(topic => [topic, node.own!] as const) : [],
    ),
  )
}

/**
 * Topics that say how many tasks the sub-topology has, and by which the group assigns them: its sources but
 * for its own, which follow the tasks. Where there are no others, those.
 */
export function leadingTopicsOf(plan: Pick<SubtopologyPlan, 'nodes' | 'sourceTopics'>): readonly string[] {
  const own = ownSourcesOf(plan)
  if (own.size === 0) return plan.sourceTopics
  const others = plan.sourceTopics.filter(topic => !own.has(topic))
  return others.length > 0 || hasPattern(plan) ? others : plan.sourceTopics
}

function hasPattern({ nodes }: Pick<SubtopologyPlan, 'nodes'>): boolean {
  return nodes.some(node => node.kind === 'source' && node.pattern)
}

/** Names of all topics that the application makes for itself. */
export function internalTopicsOf(plan: TopologyPlan): ReadonlySet<string> {
  const { subtopologies, globalSubtopologies } = plan
  const own = [...subtopologies, ...globalSubtopologies].flatMap(ownTopicsOf).map(({ topic }) => topic)
  return new Set([...inputsOfItself(plan), ...changelogsOf(plan), ...own])
}

/** Topics that the application makes, and reads: those of repartition, and its own sources. */
export function inputsOfItself(plan: TopologyPlan): ReadonlySet<string> {
  const { subtopologies, globalSubtopologies, repartitionTopics } = plan
  const own = [...subtopologies, ...globalSubtopologies].flatMap(each => [...ownSourcesOf(each).keys()])
  return new Set([...repartitionTopics.keys(), ...own])
}
