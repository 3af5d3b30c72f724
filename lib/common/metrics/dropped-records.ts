import type { Counter } from './meter.ts'
import { METRIC_GROUPS, type Metrics } from './metrics.ts'

/**
 * Records that a task leaves out, for whatever reason, summed over the task as in Kafka Streams. Undefined:
 * the stores of global tables.
 */
export function droppedRecords(metrics: Metrics, taskId: string | undefined): Counter {
  return metrics.meter('dropped-records', { 'task-id': taskId ?? 'global' }, METRIC_GROUPS.task)
}
