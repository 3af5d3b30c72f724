import { droppedRecords as droppedBy } from '../../common/metrics/dropped-records.ts'
import type { Counter } from '../../common/metrics/meter.ts'
import type { ProcessorContext } from '../../processor/processor-context.ts'

/** Counter of records that an operator cannot use (no key, no value) and drops. */
export function droppedRecords({ metrics, taskId }: ProcessorContext): Counter {
  return droppedBy(metrics, taskId)
}
