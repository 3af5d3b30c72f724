import { BrokerError } from '../broker/broker-error.ts'
import { AssertionError } from '../common/assert.ts'
import {
  errorFrom,
  RecordFailedError,
  StateDirectoryError,
  TaskCorruptedError,
  TaskMigratedError,
} from '../common/errors.ts'
import { askHandler, ERROR_ANSWERS } from './ask-handler.ts'
import { answerOf } from './dead-letters.ts'
import type { TaskScope } from './task-scope.ts'

/** Asks the handler about an exception of user code; what is not user code's passes through untouched. */
export function decideFailure(scope: TaskScope, nodeName: string, reason: unknown): void {
  if (isNotForHandlers(reason)) throw reason
  const error = errorFrom(reason)
  const { topic, partition, offset, timestamp, headers, source } = scope.context
  const context = { taskId: scope.taskId, nodeName, topic, partition, offset, timestamp, headers, source }
  const record = topic === undefined ? 'a punctuator' : `record ${topic}-${partition}@${offset}`
  const place = `node "${nodeName}" of task ${scope.taskId} failed on ${record}`
  try {
    const question = { handler: 'processingErrorHandler', answers: ERROR_ANSWERS, place }
    const answer = askHandler(scope.onProcessingError, error, context, question)
    scope.collector.sendDeadLetters(answer, error, context)
    if (answerOf(answer) === 'continue') return scope.dropped.add()
    throw new RecordFailedError('PROCESSING_FAILED', `${place}: ${error.message}`, { cause: error })
  } catch (failure) {
    scope.failure = errorFrom(failure)
    throw scope.failure
  }
}

function isNotForHandlers(error: unknown): boolean {
  return (
    error instanceof RecordFailedError ||
    error instanceof BrokerError ||
    error instanceof TaskMigratedError ||
    error instanceof TaskCorruptedError ||
    error instanceof StateDirectoryError ||
    error instanceof AssertionError
  )
}
