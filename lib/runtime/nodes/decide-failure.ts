import { BrokerError } from '../../broker/broker-error.ts'
import { AssertionError } from '../../common/assert.ts'
import {
  errorFrom,
  InputRolledBackError,
  RecordFailedError,
  StateDirectoryError,
  StreamsError,
  TaskCorruptedError,
  TaskMigratedError,
} from '../../common/errors/errors.ts'
import { askHandler, PROCESSING_ANSWERS } from './ask-handler.ts'
import type { ErrorHandlerContext } from '../../processor/error-handlers.ts'
import { answerOf } from './dead-letters.ts'
import type { FailedInput, InputPlace } from './refusals.ts'
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
 * Skips the present record, when its epoch is repeated: its handler rolled it back, and its letter belongs to
 * the transaction that skips it; or it has made a change that the changelog takes in no form, and the handler
 * is asked now.
 */
export function leaveOut(
  scope: TaskScope,
  nodeName: string,
  { error, answer, ...failed }: FailedInput,
): void {
  if (answer === undefined) return decideFailure(scope, nodeName, changelogRefusal(error))
  const context = handlerContext(scope, failed.nodeName ?? nodeName)
  scope.collector.sendDeadLetters(answer, error, context, 'failed')
  scope.dropped.add()
}

function changelogRefusal(cause: Error): StreamsError {
  const message = `a change of state that this record makes is refused by its changelog: ${cause.message}`
  return new StreamsError('CHANGELOG_RECORD_REFUSED', message, { cause })
}

/** The place by which the present input is left out, should it fail; undefined where there is no record. */
export function placeOf({ context }: Pick<TaskScope, 'context'>): InputPlace | undefined {
  const { topic, partition, offset } = context.readAt ?? context
  return topic === undefined ? undefined : { topic, partition, offset }
}

function handlerContext({ taskId, context }: TaskScope, nodeName: string | undefined): ErrorHandlerContext {
  const { topic, partition, offset, timestamp, headers, source } = context
  return { taskId, nodeName, topic, partition, offset, timestamp, headers, source }
}

/** The error that ends the epoch, so that it is repeated without the record. */
function rolledBack(scope: TaskScope, failed: FailedInput, place: string): Error {
  const input = placeOf(scope)
  const { rollBack } = scope
  const { error: cause } = failed
  if (!rollBack || !input) {
    const why =
      input === undefined
        ? 'there is no record to undo'
        : 'that needs transactions (processingGuarantee "exactly-once")'
    const message = `${place}: ${cause.message}. processingErrorHandler answered 'rollback', but ${why}`
    return new RecordFailedError('ROLLBACK_IMPOSSIBLE', message, { cause })
  }
  rollBack(input, failed)
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
