import { errorFrom, StreamsError } from '../../common/errors/errors.ts'
import type { LetterReason } from '../../processor/letter.ts'
import type { RetryPolicy } from '../options/retry-options.ts'
import { summaryOf, type FailedCalls } from './attempt-format.ts'
import type { Circuit } from './circuit.ts'
import { InterruptedError } from './crash-guard.ts'
import type { RetryCall } from './retry-call.ts'
import { UnreadableInputError } from './unreadable-input-error.ts'

/** What becomes of an input whose call has failed: it is parked, or given up for the reason. */
export interface Verdict {
  readonly reason: LetterReason | undefined
  readonly failed: FailedCalls
}

/** Decides about calls that have failed: by the policy, and by whether there is an outage. */
export class RetryVerdicts {
  readonly #nodeName: string
  readonly #policy: RetryPolicy
  readonly #circuit: Circuit

  constructor(nodeName: string, policy: RetryPolicy, circuit: Circuit) {
    this.#nodeName = nodeName
    this.#policy = policy
    this.#circuit = circuit
  }

  /** Throws `RETRY_DECISION_FAILED` where user code throws, or says what is no time. */
  of(call: RetryCall, error: Error, nowMs: number): Verdict {
    // A call of an outage says nothing about its record.
    const counts = !this.#circuit.isOpen
    const decision = this.#askPolicy(call, error, nowMs, counts)
    if (decision === 'dead-letter') {
      const reason = reasonOf(error)
      if (reason === 'non-retriable') this.#circuit.succeeded()
      else this.#circuit.passed(call.isProbe)
      return { reason, failed: failedBy(call, error, nowMs, 1) }
    }
    this.#circuit.failed(call, nowMs)
    const isOver = this.#isOver(decision, { nowMs, counts })
    return { reason: isOver ? 'gave-up' : undefined, failed: decision }
  }

  /** What the policy says: all that user code has part in, before anything is changed. */
  #askPolicy(call: RetryCall, error: Error, nowMs: number, counts: boolean): 'dead-letter' | FailedCalls {
    if (error instanceof UnreadableInputError || error instanceof InterruptedError) return 'dead-letter'
    const { attempt, idempotencyKey } = call
    const { firstFailedMs = nowMs } = call.failed ?? {}
    try {
      const decision = this.#policy.decide(error, { attempt, firstFailedMs, idempotencyKey })
      if (decision === 'dead-letter') return decision
      const failed = failedBy(call, error, nowMs, counts ? 1 : 0)
      const askedMs = decision === 'retry' ? 0 : decision.retryAfterMs
      return { ...failed, dueMs: this.#dueMs(call, failed, { nowMs, askedMs }) }
    } catch (cause) {
      this.#circuit.failed(call, nowMs)
      const message = `retry of "${this.#nodeName}" could not decide about "${summaryOf(error).message}": ${errorFrom(cause).message}`
      throw new StreamsError('RETRY_DECISION_FAILED', message, { cause })
    }
  }

  #isOver(
    { attempts, firstFailedMs }: FailedCalls,
    { nowMs, counts }: { readonly nowMs: number; readonly counts: boolean },
  ): boolean {
    const isLast = counts && attempts >= this.#policy.attempts
    return isLast || nowMs - firstFailedMs >= this.#policy.giveUpAfterMs
  }

  /** The last call is made when all tries are over, or when the error allows it, if that is later. */
  #dueMs(
    call: RetryCall,
    { attempts, firstFailedMs }: FailedCalls,
    { nowMs, askedMs }: { readonly nowMs: number; readonly askedMs: number },
  ): number {
    const { backoff, giveUpAfterMs } = this.#policy
    const delayMs = backoff.delayMs(Math.max(1, attempts), call.letterId)
    if (!(Number.isFinite(delayMs) && delayMs >= 0)) {
      throw new TypeError(
        `retry.backoff returned ${delayMs}: it must be a number of milliseconds, at least 0`,
      )
    }
    const endMs = Math.max(nowMs, firstFailedMs + giveUpAfterMs)
    return Math.max(nowMs + askedMs, Math.min(nowMs + delayMs, endMs))
  }
}

/** What is known of the input's calls with the one that has failed now. `counted`: for how many it counts. */
export function failedBy(call: RetryCall, error: Error, nowMs: number, counted: number): FailedCalls {
  const { attempts = 0, firstFailedMs = nowMs, firstError = summaryOf(error) } = call.failed ?? {}
  const lastError = summaryOf(error)
  return { attempts: attempts + counted, firstFailedMs, firstError, lastError, dueMs: nowMs }
}

function reasonOf(error: Error): LetterReason {
  if (error instanceof UnreadableInputError) return 'undeserialisable'
  return error instanceof InterruptedError ? 'interrupted' : 'non-retriable'
}
