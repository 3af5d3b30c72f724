import { NO_HEADERS } from '../../common/headers.ts'
import type { RecordContext } from '../../common/record-context.ts'
import { ContextHeaders } from '../nodes/context-headers.ts'
import type { StreamTaskOptions } from './stream-task-options.ts'
import type { TaskMetrics } from '../metrics/task-metrics.ts'
import type { TaskScope } from '../nodes/task-scope.ts'
import { TaskTimes } from '../nodes/task-times.ts'

/** The part of a task's scope that only the task can answer. */
export type TaskCallbacks = Pick<TaskScope, 'schedule' | 'defer' | 'streamTimeMs' | 'requestCommit'>

export function createScope(
  options: StreamTaskOptions,
  measures: TaskMetrics,
  callbacks: TaskCallbacks,
): TaskScope {
  const { id, settings, metrics, logger, collector, clock, state, globalStore, refusals } = options
  return {
    applicationId: settings.applicationId,
    taskId: id,
    metrics,
    logger,
    defaultKeySerde: settings.defaultKeySerde,
    defaultValueSerde: settings.defaultValueSerde,
    clock,
    collector,
    dropped: measures.dropped,
    measures,
    times: new TaskTimes(logger),
    emitIntervalMs: settings.emitIntervalMs,
    onProcessingError: settings.processingErrorHandler,
    contextHeaders: ContextHeaders.of(settings.contextHeaders),
    tracer: options.tracer,
    asyncContext: settings.asyncContext,
    context: contextOfTick(0),
    failure: undefined,
    systemTimeMs: () => clock.nowMs(),
    store: name => state.store(name),
    globalStore,
    rollBack:
      refusals && settings.processingGuarantee === 'exactly-once'
        ? (input, failed) => refusals.leaveOut(input, failed)
        : undefined,
    ...callbacks,
  }
}

/** The context of what no record causes. */
export function contextOfTick(timestamp: number): RecordContext {
  return { topic: undefined, partition: -1, offset: -1, timestamp, headers: NO_HEADERS }
}
