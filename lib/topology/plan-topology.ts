import { TopologyError } from '../common/errors/errors.ts'
import type {
  NodeDefinition,
  OwnTopicDefinition,
  SinkDefinition,
  SourceDefinition,
} from './node-definition.ts'
import type {
  CoPartitionGroup,
  NodePlan,
  OwnTopicPlan,
  RepartitionTopicPlan,
  ScheduledNode,
  StorePlan,
  SubtopologyPlan,
  TopologyPlan,
} from './plan.ts'
import type { NodeGroup } from './subtopologies.ts'
import { withReplays } from './replay-nodes.ts'
import { childrenByParent, groupNodes } from './subtopologies.ts'
import type { TopologyDefinition } from './topology-definition.ts'

/** `RepartitionTopicConfig` of Kafka Streams: purged by the application itself once read, never by age. */
const REPARTITION_TOPIC_CONFIG = Object.freeze({
  'cleanup.policy': 'delete',
  'segment.bytes': '52428800',
  'retention.ms': '-1',
})

export interface PlanOptions {
  /** Whether letters of the sources' records can be processed again. Default: no. */
  readonly replays?: boolean
}

/**
 * Freezes a definition into what the runtime runs: real topic names, children in order, stores with their
 * changelogs.
 */
export function planTopology(
  topology: TopologyDefinition,
  applicationId: string,
  options: PlanOptions = {},
): TopologyPlan {
  checkHasSource(topology)
  checkCoPartitioned(topology)
  const planner = new Planner(topology, applicationId, options)
  const groups = groupNodes(topology)
  return Object.freeze({
    applicationId,
    subtopologies: Object.freeze(
      groups.filter(group => group.globalStore === undefined).map(group => planner.subtopology(group)),
    ),
    globalSubtopologies: Object.freeze(
      groups.filter(group => group.globalStore !== undefined).map(group => planner.subtopology(group)),
    ),
    repartitionTopics: planner.repartitionTopics(),
    coPartitionGroups: planner.coPartitionGroups(),
  })
}

/** Knows the application id, and so the real names of what the definition names without it. */
class Planner {
  readonly #topology: TopologyDefinition
  readonly #applicationId: string
  readonly #replays: boolean

  constructor(topology: TopologyDefinition, applicationId: string, { replays = false }: PlanOptions) {
    this.#topology = topology
    this.#applicationId = applicationId
    this.#replays = replays
  }

  subtopology(group: NodeGroup): SubtopologyPlan {
    const children = childrenByParent(group.nodes)
    const plans = group.nodes.map(node => this.#node(node, children.get(node.name) ?? []))
    const mayReplay = this.#replays && group.globalStore === undefined
    const nodes = mayReplay ? withReplays(this.#applicationId, plans) : plans
    const sources = nodes.flatMap(node => (node.kind === 'source' ? node.topics : []))
    const sinks = group.nodes.flatMap(node =>
      node.kind === 'sink' && typeof node.topic === 'string' ? [this.#sinkTopic(node, node.topic)] : [],
    )
    return Object.freeze({
      id: group.id,
      nodes: Object.freeze(nodes),
      stores: Object.freeze(this.#stores(group)),
      sourceTopics: Object.freeze([...new Set(sources)]),
      sinkTopics: Object.freeze([...new Set(sinks)]),
    })
  }

  repartitionTopics(): ReadonlyMap<string, RepartitionTopicPlan> {
    return new Map(
      Array.from(this.#topology.repartitionTopics, ([name, { partitionCount }]) => {
        const topic = this.#realName(name)
        return [topic, Object.freeze({ topic, partitionCount, config: REPARTITION_TOPIC_CONFIG })]
      }),
    )
  }

  coPartitionGroups(): readonly CoPartitionGroup[] {
    const groups = this.#topology.coPartitioned.map(names => this.#coPartitioned(names))
    return Object.freeze(
      groups.filter(
        ({ topics, patterns = [], repartitionTopics }) =>
          topics.length + patterns.length + repartitionTopics.length > 1,
      ),
    )
  }

  #coPartitioned(names: Iterable<string>): CoPartitionGroup {
    const { repartitionTopics } = this.#topology
    const sources = this.#topology.sources(names)
    const isInternal = (source: SourceDefinition, topic: string) =>
      source.own !== undefined || repartitionTopics.has(topic)
    const internal = sources.flatMap(source => source.topics.filter(topic => isInternal(source, topic)))
    const others = sources.flatMap(source => source.topics.filter(topic => !isInternal(source, topic)))
    const patterns = sources.flatMap(({ pattern }) => pattern ?? [])
    return Object.freeze({
      topics: Object.freeze([...new Set(others)]),
      ...(patterns.length > 0 && { patterns: Object.freeze(patterns) }),
      repartitionTopics: Object.freeze([...new Set(internal)].map(topic => this.#ownName(topic))),
    })
  }

  #node(node: NodeDefinition, children: readonly string[]): NodePlan {
    switch (node.kind) {
      case 'source':
        return Object.freeze({
          ...node,
          topics: this.#topicsOf(node),
          children: Object.freeze([...children]),
        })
      case 'processor':
        return Object.freeze({
          kind: node.kind,
          name: node.name,
          supplier: node.supplier,
          stores: Object.freeze([...node.stores]),
          ...(node.ownTopics && { ownTopics: this.#ownTopics(node.ownTopics) }),
          ...(node.control && { control: Object.freeze(node.control) }),
          ...(node.schedule && { schedule: this.#scheduled(node.schedule) }),
          children: Object.freeze([...children]),
        })
      case 'sink':
        return Object.freeze({
          kind: node.kind,
          name: node.name,
          topic: typeof node.topic === 'string' ? this.#sinkTopic(node, node.topic) : node.topic,
          keySerde: node.keySerde,
          valueSerde: node.valueSerde,
          partitioner: node.partitioner,
        })
    }
  }

  #scheduled(schedule: ScheduledNode): ScheduledNode {
    return Object.freeze({ ...schedule, topic: this.#ownName(schedule.topic) })
  }

  #ownTopics(topics: readonly OwnTopicDefinition[]): readonly OwnTopicPlan[] {
    return Object.freeze(
      topics.map(({ name, config }) => Object.freeze({ topic: this.#ownName(name), config })),
    )
  }

  #stores(group: NodeGroup): StorePlan[] {
    const names = new Set<string>()
    for (const node of group.nodes)
      if (node.kind === 'processor') for (const store of node.stores) names.add(store)
    return [...names].flatMap(name => this.#store(name) ?? [])
  }

  #store(name: string): StorePlan | undefined {
    const global = this.#topology.globalStores.get(name)
    if (global) {
      const changelogTopic = this.#topicsOf(global.source)[0]
      return Object.freeze({ builder: global.builder, changelogTopic, changelogIsSource: true })
    }
    const builder = this.#topology.stores.get(name)?.builder
    if (!builder) return undefined
    const sourceTopic = this.#topology.sourceTopicOfStore.get(name)
    if (sourceTopic !== undefined) {
      return Object.freeze({ builder, changelogTopic: this.#realName(sourceTopic), changelogIsSource: true })
    }
    const changelogTopic = builder.changelog ? `${this.#applicationId}-${name}-changelog` : undefined
    return Object.freeze({ builder, changelogTopic, changelogIsSource: false })
  }

  #topicsOf({ topics, own }: SourceDefinition): readonly string[] {
    return own ? Object.freeze(topics.map(topic => this.#ownName(topic))) : this.#realNames(topics)
  }

  #sinkTopic({ isOwn }: SinkDefinition, topic: string): string {
    return isOwn ? this.#ownName(topic) : this.#realName(topic)
  }

  #realName(topic: string): string {
    return this.#topology.repartitionTopics.has(topic) ? this.#ownName(topic) : topic
  }

  #ownName(topic: string): string {
    return `${this.#applicationId}-${topic}`
  }

  #realNames(topics: readonly string[]): readonly string[] {
    return Object.freeze([...new Set(topics)].map(topic => this.#realName(topic)))
  }
}

/** Only here, not while building: a topology may be built in any order. */
function checkHasSource(topology: TopologyDefinition): void {
  for (const node of topology.nodes.values()) if (node.kind === 'source') return
  throw new TopologyError(
    'NO_SOURCE',
    'the topology reads no topic: add a source, or start from StreamsBuilder.stream or table.',
  )
}

/**
 * Repartition topics adapt to topics of the user; only where all counts are given in the program can they
 * contradict each other now.
 */
export function checkCoPartitioned(topology: TopologyDefinition): void {
  for (const sources of topology.coPartitioned) {
    const topics = topology.sources(sources).flatMap(source => source.topics)
    const counts = topics.map(topic => topology.repartitionTopics.get(topic)?.partitionCount)
    if (counts.includes(undefined) || new Set(counts).size <= 1) continue
    const found = topics.map((topic, i) => `${topic} has ${counts[i]}`).join(', ')
    throw new TopologyError(
      'PARTITION_COUNTS_DIFFER',
      `topics that are joined must have equally many partitions, but ${found}: give both repartition operators the same partitionCount.`,
    )
  }
}
