import type { Admin, Broker } from '../../broker/broker.ts'
import { ConfigError } from '../../common/errors/errors.ts'
import type { Logger } from '../../common/logger.ts'
import type { TopologyPlan } from '../../topology/plan.ts'

export const CLEANUP_POLICY = 'cleanup.policy'

export interface CheckCompactedOptions {
  readonly broker: Pick<Broker, 'name'>
  readonly admin: Pick<Admin, 'topicSettings'>
  readonly logger: Logger
}

/** Source topics that hold tables of which every row must stay. */
export function compactedTopicsOf({ globalSubtopologies }: TopologyPlan): ReadonlySet<string> {
  const nodes = globalSubtopologies.flatMap(subtopology => subtopology.nodes)
  return new Set(nodes.flatMap(node => (node.kind === 'source' && node.mustBeCompacted ? node.topics : [])))
}

/**
 * Throws `TOPIC_NOT_COMPACTED` for a table whose topic forgets rows that have not changed for long. Where the
 * settings cannot be read, nothing is refused: the right to describe them may be missing.
 */
export async function checkCompacted(plan: TopologyPlan, options: CheckCompactedOptions): Promise<void> {
  const topics = [...compactedTopicsOf(plan)]
  if (topics.length === 0) return
  const settings = await options.admin.topicSettings(topics, [CLEANUP_POLICY])
  for (const topic of topics) {
    const policy = settings.get(topic)?.get(CLEANUP_POLICY)
    if (policy === undefined) {
      const message = `${CLEANUP_POLICY} of topic ${topic} cannot be read: whether it keeps its rows is not known`
      options.logger.log('warn', message)
    } else if (!isCompacted(policy)) throw notCompacted(topic, policy, options.broker)
  }
}

function isCompacted(policy: string): boolean {
  return policy.split(',').some(each => each.trim() === 'compact')
}

function notCompacted(topic: string, policy: string, broker: Pick<Broker, 'name'>): ConfigError {
  const isOwn = broker.name === 'memory' || broker.name === 'embedded'
  const mend = isOwn
    ? `delete it, and make it anew with millrace topics create ${topic} --partitions N --set ${CLEANUP_POLICY}=compact`
    : `kafka-configs --bootstrap-server ${broker.name} --alter --entity-type topics --entity-name ${topic} --add-config ${CLEANUP_POLICY}=compact`
  return new ConfigError(
    'TOPIC_NOT_COMPACTED',
    `topic "${topic}" has ${CLEANUP_POLICY}=${policy}, and holds a table: rows that do not change would vanish after its retention time. ` +
      `Make it compacted: ${mend}. If rows are meant to vanish, give globalTable requireCompacted: false`,
  )
}
