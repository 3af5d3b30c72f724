import type { Counter } from '../../common/metrics/meter.ts'
import { METRIC_GROUPS } from '../../common/metrics/metrics.ts'
import type { DeferringContext } from '../../processor/deferred-work.ts'
import { letterRecord, type LetterReason } from '../../processor/letter.ts'
import { stackOf, type FailedCalls } from './attempt-format.ts'
import type { RetryCall } from './retry-call.ts'

/** Topic of an operator's dead letters, without the application's id. */
export function letterTopic(operator: string): string {
  return `${operator}-dlq`
}

/** Writes the dead letters of one operator in one task, each in the transaction in which its input leaves. */
export class RetryLetters {
  readonly #operator: string
  readonly #applicationId: string
  readonly #topic: string
  readonly #context: DeferringContext
  readonly #written: Counter

  constructor(operator: string, context: DeferringContext) {
    const { applicationId, taskId, metrics } = context
    this.#operator = operator
    this.#applicationId = applicationId
    this.#topic = `${applicationId}-${letterTopic(operator)}`
    this.#context = context
    const tags = { 'task-id': taskId, node: operator }
    this.#written = metrics.counter('dead-letters-total', tags, METRIC_GROUPS.own)
  }

  write(call: RetryCall, reason: LetterReason, failed: FailedCalls, error: Pick<Error, 'stack'>): void {
    const { input } = call
    const { attempts, firstFailedMs, firstError } = failed
    const letter = letterRecord({
      id: call.letterId,
      applicationId: this.#applicationId,
      operator: this.#operator,
      reason,
      attempts,
      firstFailedMs,
      lastFailedMs: this.#context.clock.nowMs(),
      firstError,
      lastError: { ...failed.lastError, stack: stackOf(error) },
      input,
      context: input.context,
    })
    this.#context.sendLetter(this.#topic, letter)
    this.#written.add()
  }
}

/** Why a record is a dead letter without a call: one before it of its key was given up. */
export class BehindError extends Error {
  override readonly name = 'BehindError'

  constructor(letterId: string | undefined) {
    super(
      letterId === undefined
        ? 'a record of this key was given up before'
        : `record ${letterId} of this key was given up before`,
    )
  }
}
