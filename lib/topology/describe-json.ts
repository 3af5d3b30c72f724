import type { NodePlan, SubtopologyPlan, TopologyPlan } from './plan.ts'

/** A topology as JSON, with the real names of its internal topics. */
export function describeJson(plan: TopologyPlan): string {
  return JSON.stringify(describedPlan(plan), undefined, 2)
}

/** The same as plain data. */
export function describedPlan(plan: TopologyPlan) {
  const { applicationId, subtopologies, globalSubtopologies, repartitionTopics, coPartitionGroups } = plan
  return {
    applicationId,
    subtopologies: [
      ...subtopologies.map(each => subtopology(each, false)),
      ...globalSubtopologies.map(each => subtopology(each, true)),
    ],
    repartitionTopics: [...repartitionTopics.values()],
    coPartitionGroups: coPartitionGroups.map(({ topics, patterns = [], repartitionTopics: adapting }) => ({
      topics,
      patterns: patterns.map(({ source }) => source),
      repartitionTopics: adapting,
    })),
  }
}

function subtopology({ id, nodes, stores, sourceTopics, sinkTopics }: SubtopologyPlan, global: boolean) {
  return {
    id,
    /** Read whole by every process, without tasks. */
    global,
    sourceTopics,
    sinkTopics,
    nodes: nodes.map(describedNode),
    stores: stores.map(({ builder, changelogTopic, changelogIsSource }) => ({
      name: builder.name,
      persistent: builder.persistent,
      changelogTopic: changelogTopic ?? null,
      changelogIsSource,
    })),
  }
}

/**
 * Functions have no JSON: an extractor of topics is null. Serdes go by their names; null is the application's
 * default.
 */
function describedNode(node: NodePlan) {
  const { kind, name } = node
  switch (node.kind) {
    case 'source': {
      const pattern = node.pattern?.source ?? null
      return { kind, name, topics: node.topics, pattern, ...serdesOf(node), children: node.children }
    }
    case 'processor':
      return { kind, name, stores: node.stores, ...ownTopicsIn(node), children: node.children }
    case 'sink':
      return { kind, name, topic: typeof node.topic === 'string' ? node.topic : null, ...serdesOf(node) }
  }
}

/** Those of an operator with retry: where its dead letters go. */
function ownTopicsIn({ ownTopics }: Extract<NodePlan, { kind: 'processor' }>) {
  return ownTopics && { ownTopics: ownTopics.map(({ topic }) => topic) }
}

function serdesOf({ keySerde, valueSerde }: Exclude<NodePlan, { kind: 'processor' }>) {
  return { keySerde: keySerde?.name ?? null, valueSerde: valueSerde?.name ?? null }
}
