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

/** Names of all topics that the application makes for itself. */
export function internalTopicsOf(plan: TopologyPlan): ReadonlySet<string> {
  const own = plan.subtopologies.flatMap(ownTopicsOf).map(({ topic }) => topic)
  return new Set([...plan.repartitionTopics.keys(), ...changelogsOf(plan), ...own])
}
