import { BrokerError } from '../../broker/broker-error.ts'
import { AssertionError } from '../../common/assert.ts'
import {
  errorFrom,
  InputRolledBackError,
  RecordFailedError,
  StateDirectoryError,
  TaskCorruptedError,
  TaskMigratedError,
} from '../../common/errors/errors.ts'
import { askHandler, PROCESSING_ANSWERS } from './ask-handler.ts'
import type { ErrorHandlerContext } from '../../processor/error-handlers.ts'
import { answerOf } from './dead-letters.ts'
import type { FailedInput } from './refusals.ts'
import type { TaskScope } from './task-scope.ts'

/** Asks the handler about an exception of user code; other exceptions pass through untouched. */
export function decideFailure(scope: TaskScope, nodeName: string, reason: unknown): void {
  if (isNotForHandlers(reason)) throw reason
  const error = errorFrom(reason)
  const context = handlerContext(scope, nodeName)
  const { topic, partition, offset } = context
  const record = topic === undefined ? 'a punctuator' : `record ${topic}-${partition}@${offset}`
  const place = `node "${nodeName}" of task ${scope.taskId} failed on ${record}`
  try {
    const question = { handler: 'processingErrorHandler', answers: PROCESSING_ANSWERS, place }
    const answer = askHandler(scope.onProcessingError, error, context, question)
    if (answerOf(answer) === 'rollback') throw rolledBack(scope, { error, answer, nodeName }, place)
    scope.collector.sendDeadLetters(answer, error, context, 'failed')
    if (answerOf(answer) === 'continue') return scope.dropped.add()
    throw new RecordFailedError('PROCESSING_FAILED', `${place}: ${error.message}`, { cause: error })
  } catch (failure) {
    scope.failure = errorFrom(failure)
    throw scope.failure
  }
}

/**
 * Skips a record whose epoch was rolled back for it, when it is repeated: its letter belongs to the
 * transaction that skips it.
 */
export function leaveOut(scope: TaskScope, { error, answer = 'continue', nodeName }: FailedInput): void {
  scope.collector.sendDeadLetters(answer, error, handlerContext(scope, nodeName), 'failed')
  scope.dropped.add()
}

function handlerContext({ taskId, context }: TaskScope, nodeName: string | undefined): ErrorHandlerContext {
  const { topic, partition, offset, timestamp, headers, source } = context
  return { taskId, nodeName, topic, partition, offset, timestamp, headers, source }
}

/** The error that ends the epoch, so that it is repeated without the record. */
function rolledBack({ context, rollBack }: TaskScope, failed: FailedInput, place: string): Error {
  const { topic, partition, offset } = context.readAt ?? context
  const { error: cause } = failed
  if (!rollBack || topic === undefined) {
    const why =
      topic === undefined
        ? 'there is no record to undo'
        : 'that needs transactions (processingGuarantee "exactly-once")'
    const message = `${place}: ${cause.message}. processingErrorHandler answered 'rollback', but ${why}`
    return new RecordFailedError('ROLLBACK_IMPOSSIBLE', message, { cause })
  }
  rollBack({ topic, partition, offset }, failed)
  return new InputRolledBackError(`${place}: ${cause.message}; what it led to is undone`, { cause })
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
