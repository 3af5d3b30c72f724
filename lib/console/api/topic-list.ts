import type { Admin } from '../../broker/broker.ts'
import { partitionKey } from '../../common/ids.ts'
import { changelogsOf, internalTopicsOf } from '../../topology/internal-topics.ts'
import type { TopologyPlan } from '../../topology/plan.ts'
import type { ConsoleApplication } from './console-parts.ts'

export type TopicKind =
  'input' | 'output' | 'repartition' | 'changelog' | 'letters' | 'control' | 'schedule' | 'other'

export interface ListedTopic {
  readonly name: string
  readonly kind: TopicKind
  /** Applications that have to do with it. */
  readonly applications: readonly string[]
  readonly partitionCount: number
  /** Offsets that it holds, markers included. */
  readonly records: number
  readonly policy: string
  readonly retentionMs: number | null
}

/** Every topic of the brokers, by name. */
export async function listTopics(
  admin: Admin,
  applications: readonly ConsoleApplication[],
): Promise<readonly ListedTopic[]> {
  const names = [...(await admin.listTopics())].sort()
  const [described, settings] = await Promise.all([
    admin.describeTopics(names),
    admin.topicSettings(names, ['cleanup.policy', 'retention.ms']),
  ])
  const partitions = [...described.values()].flatMap(({ topic, partitionCount }) =>
    Array.from({ length: partitionCount }, (_, partition) => ({ topic, partition })),
  )
  const [begins, ends] = await Promise.all([
    admin.beginningOffsets(partitions),
    admin.endOffsets(partitions, 'read_uncommitted'),
  ])
  const records = new Map<string, number>()
  for (const { topic, partition } of partitions) {
    const key = partitionKey(topic, partition)
    const held = (ends.get(key) ?? 0) - (begins.get(key) ?? 0)
    records.set(topic, (records.get(topic) ?? 0) + held)
  }
  const uses = applications.map(({ plan, config }) => new TopicUses(plan, config.deadLetterQueueTopic))
  return [...described.values()].map(({ topic, partitionCount }) => {
    const users = uses.filter(use => use.kindOf(topic) !== undefined)
    const setting = (name: string) => settings.get(topic)?.get(name)
    const retention = Number(setting('retention.ms') ?? NaN)
    return {
      name: topic,
      kind: users[0]?.kindOf(topic) ?? 'other',
      applications: users.map(({ applicationId }) => applicationId),
      partitionCount,
      records: records.get(topic) ?? 0,
      policy: setting('cleanup.policy') ?? 'delete',
      retentionMs: retention >= 0 ? retention : null,
    }
  })
}

/** What an application does with topics. */
class TopicUses {
  readonly applicationId: string
  readonly #kinds = new Map<string, TopicKind>()

  constructor(plan: TopologyPlan, deadLetterQueueTopic: string | undefined) {
    this.applicationId = plan.applicationId
    const all = [...plan.subtopologies, ...plan.globalSubtopologies]
    const set = (topics: Iterable<string>, kind: TopicKind) => {
      for (const topic of topics) this.#kinds.set(topic, kind)
    }
    // Later lines are more exact: what is read and written is an input.
    set(
      all.flatMap(({ sinkTopics }) => sinkTopics),
      'output',
    )
    set(
      all.flatMap(({ sourceTopics }) => sourceTopics),
      'input',
    )
    set(internalTopicsOf(plan), 'other')
    set(changelogsOf(plan), 'changelog')
    set(plan.repartitionTopics.keys(), 'repartition')
    for (const node of all.flatMap(({ nodes }) => nodes)) {
      if (node.kind === 'processor' && node.ownTopics)
        set(
          node.ownTopics.map(({ topic }) => topic),
          'letters',
        )
      if (node.kind === 'processor' && node.schedule) set([node.schedule.topic], 'schedule')
      if (node.kind === 'source' && node.own) set(node.topics, kindOfOwn(node.topics[0] ?? ''))
    }
    const { applicationId } = plan
    set([`${applicationId}-control`, `${applicationId}-control-audit`], 'control')
    if (deadLetterQueueTopic !== undefined) set([deadLetterQueueTopic], 'letters')
  }

  kindOf(topic: string): TopicKind | undefined {
    const known = this.#kinds.get(topic)
    if (known !== undefined) return known
    return topic === `${this.applicationId}-dlq-ledger` ? 'letters' : undefined
  }
}

function kindOfOwn(topic: string): TopicKind {
  if (topic.endsWith('-replay')) return 'letters'
  return /schedule/.test(topic) ? 'schedule' : 'control'
}
