import { errorFrom } from '../../../../common/errors/errors.ts'
import { BrokerError } from '../../../broker-error.ts'
import type { ProducerOptions, RejectedRecord } from '../../../broker.ts'

/**
 * What went wrong with records since the last flush, commit or abort, and was not let go. A failure belongs
 * to the transaction of its record: where that is still to begin, the one under way does not hear of it, and
 * it is not over with that one.
 */
export class SendFailures {
  readonly #onSendError: ProducerOptions['onSendError']
  #first: BrokerError | undefined
  #firstOfNext: BrokerError | undefined

  constructor(onSendError: ProducerOptions['onSendError']) {
    this.#onSendError = onSendError
  }

  get first(): BrokerError | undefined {
    return this.#first
  }

  /**
   * A handler that throws has decided nothing: the record is not let go, and who waits for the others goes on
   * waiting for them alone.
   */
  reject(error: BrokerError, record: RejectedRecord, isOfNext = false): void {
    let decision: 'continue' | 'fail' = 'fail'
    try {
      decision = this.#onSendError?.(error, record) ?? 'fail'
    } catch (reason) {
      const cause = errorFrom(reason)
      const message = `onSendError threw: ${cause.message}`
      this.add(new BrokerError('SEND_ERROR_HANDLER_FAILED', 'fatal', message, { cause }), isOfNext)
    }
    if (decision === 'fail') this.add(error, isOfNext)
  }

  /** Whatever a handler says. */
  add(error: BrokerError, isOfNext = false): void {
    if (isOfNext) this.#firstOfNext ??= error
    else this.#first ??= error
  }

  /**
   * The next transaction begins, after one that was committed: what came too late for that one is this one's.
   */
  begin(): void {
    this.#first ??= this.#firstOfNext
    this.#firstOfNext = undefined
  }

  take(): BrokerError | undefined {
    const first = this.#first
    this.#first = undefined
    this.#firstOfNext = undefined
    return first
  }
}

/**
 * A failure as the end of a transaction tells it: what passes is cured by an abort. What a broker has refused
 * for good comes back after each, so it keeps its class.
 */
export function abortable(failure: BrokerError): BrokerError {
  if (failure.class !== 'retriable') return failure
  const { code, message, partitions } = failure
  return new BrokerError(code, 'abortable', message, { cause: failure, partitions })
}

export function stateError(message: string): BrokerError {
  return new BrokerError('INVALID_TXN_STATE', 'fatal', message)
}
