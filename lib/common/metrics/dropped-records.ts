import type { Counter } from './meter.ts'
import { METRIC_GROUPS, type Metrics } from './metrics.ts'

/**
 * Counter of records that a task drops, for whatever reason, summed over the task as in Kafka Streams.
 * `taskId` undefined: the stores of global tables.
 */
export function droppedRecords(metrics: Metrics, taskId: string | undefined): Counter {
  return metrics.meter('dropped-records', { 'task-id': taskId ?? 'global' }, METRIC_GROUPS.task)
}
