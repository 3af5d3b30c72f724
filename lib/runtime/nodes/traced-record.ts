import type { Header } from '../../common/headers.ts'
import type { RecordContext } from '../../common/record-context.ts'
import type { Tracer } from '../../common/context/tracer.ts'
import type { TaskScope } from './task-scope.ts'

/**
 * Processes a record within a span. The record's context gets the headers of the span, so that whatever keeps
 * the context, such as a cache or a parked call, passes the span on.
 */
export function traced(
  scope: TaskScope,
  tracer: Tracer,
  record: RecordContext & { readonly topic: string },
  process: (headers: readonly Header[]) => void,
): void {
  const { applicationId, taskId } = scope
  const { topic, partition, offset, timestamp, source, readAt } = record
  const operation = { kind: 'process', name: topic, applicationId, taskId, context: record } as const
  tracer.trace(operation, headers => {
    scope.context = { topic, partition, offset, timestamp, headers, source, readAt }
    process(headers)
    // What a handler has let end the task is the span's failure, too.
    if (scope.failure) throw scope.failure
  })
}
