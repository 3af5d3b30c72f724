import type { Counter } from '../../common/metrics.ts'
import type { ProcessorContext } from '../../processor/processor-context.ts'

/** Records that an operator cannot use (no key, no value) and leaves out; summed over the task, as upstream. */
export function droppedRecords(context: ProcessorContext): Counter {
  return context.metrics.counter('dropped-records-total', { 'task-id': context.taskId })
}
