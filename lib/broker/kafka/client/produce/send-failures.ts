import { errorFrom } from '../../../../common/errors/errors.ts'
import { BrokerError } from '../../../broker-error.ts'
import type { ProducerOptions, RejectedRecord } from '../../../broker.ts'

/**
 * The first failure of a record since the last flush, commit or abort, unless the handler let it go. A
 * failure belongs to the transaction of its record: that of a record for the next transaction does not fail
 * the current one, and is kept beyond it.
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

  /** Asks the handler about a refused record. One that throws has not let the record go. */
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

  /** Adds a failure without asking the handler. */
  add(error: BrokerError, isOfNext = false): void {
    if (isOfNext) this.#firstOfNext ??= error
    else this.#first ??= error
  }

  /** Begins the next transaction, which gets the failures that were kept for it. */
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
 * A failure as the error of a commit: a retriable one becomes abortable, since an abort mends it. Others
 * would come again after an abort, so they keep their class.
 */
export function abortable(failure: BrokerError): BrokerError {
  if (failure.class !== 'retriable') return failure
  const { code, message, partitions } = failure
  return new BrokerError(code, 'abortable', message, { cause: failure, partitions })
}

export function stateError(message: string): BrokerError {
  return new BrokerError('INVALID_TXN_STATE', 'fatal', message)
}
