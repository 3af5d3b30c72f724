import type { Clock } from '../../../../common/clock.ts'
import { BrokerError } from '../../../broker-error.ts'
import { type Cluster, UNKNOWN_TOPIC_OR_PARTITION } from './cluster.ts'
import type { TopicMetadata } from '../../protocol/metadata.ts'
import { retryMs } from './retriable-errors.ts'
import { protocolError } from '../../protocol/protocol-error.ts'

const LEADER_NOT_AVAILABLE = 5
/** How long brokers are asked one after the other, as during a restart. */
const TIMEOUT_MS = 10_000

/**
 * The metadata of those topics that the cluster knows. Rejects where no broker answers within 10 s, and with
 * any other error of a topic.
 */
export async function describeTopics(
  cluster: Cluster,
  clock: Clock,
  topics: readonly string[],
): Promise<readonly TopicMetadata[]> {
  const described = await persistently(cluster, clock, topics)
  return described.filter(({ errorCode, topic }) => {
    if (errorCode === UNKNOWN_TOPIC_OR_PARTITION) return false
    // A new topic exists before its leaders are elected.
    if (errorCode === 0 || errorCode === LEADER_NOT_AVAILABLE) return true
    throw protocolError(errorCode, `describing topic ${topic}`)
  })
}

async function persistently(
  cluster: Cluster,
  clock: Clock,
  topics: readonly string[],
): Promise<readonly TopicMetadata[]> {
  const deadlineMs = clock.monotonicMs() + TIMEOUT_MS
  for (let failures = 0; ; failures += 1) {
    try {
      return await cluster.describe(topics)
    } catch (reason) {
      const passes = reason instanceof BrokerError && reason.class === 'retriable'
      if (!passes || clock.monotonicMs() >= deadlineMs) throw reason
    }
    await clock.sleep(retryMs(failures))
  }
}
