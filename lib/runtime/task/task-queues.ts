import { present } from '../../common/assert.ts'
import type { Counter } from '../../common/metrics/meter.ts'
import type { NodePlan, SourceNodePlan } from '../../topology/plan.ts'
import { matchesTopic } from '../../topology/topic-pattern.ts'
import type { RecordCollector } from '../nodes/record-collector.ts'
import { KeyPrefetch } from './key-prefetch.ts'
import { RecordQueue } from './record-queue.ts'
import { serdesOf } from '../nodes/node-serdes.ts'
import type { StateManager } from '../state/state-manager.ts'
import type { TaskMetrics } from '../metrics/task-metrics.ts'
import type { StreamTaskOptions } from './stream-task-options.ts'

/** Builds one queue for every source partition of a task. */
export function buildQueues(
  options: Pick<StreamTaskOptions, 'id' | 'plan' | 'partitions' | 'settings' | 'logger'> & {
    readonly collector?: RecordCollector
    readonly state?: StateManager
  },
  measures: TaskMetrics | undefined,
  dropped: Counter,
): RecordQueue[] {
  const { settings, state } = options
  return options.partitions.map(({ topic, partition }) => {
    const source = sourceNodeOf(options.plan.nodes, topic)
    return new RecordQueue({
      taskId: options.id,
      topic,
      partition,
      ...serdesOf(source, settings),
      timestampExtractor: source.timestampExtractor ?? settings.defaultTimestampExtractor,
      onDeserializationError: settings.deserializationErrorHandler,
      dropped,
      logger: options.logger,
      prefetch: state && new KeyPrefetch(state.stores),
      collector: options.collector,
      traffic: measures?.consumed(source.name, topic),
      isWaitedFor: !source.own,
    })
  })
}

function sourceNodeOf(nodes: readonly NodePlan[], topic: string): SourceNodePlan {
  const source = nodes.find(
    (node): node is SourceNodePlan =>
      node.kind === 'source' &&
      (node.topics.includes(topic) || (node.pattern !== undefined && matchesTopic(node.pattern, topic))),
  )
  return present(source, `source node of topic ${topic}`)
}
