import { BrokerError } from '../../broker-error.ts'
import type { ProducerOptions, RejectedRecord } from '../../broker.ts'

/** What went wrong with records since the last flush, commit or abort, and was not let go. */
export class SendFailures {
  readonly #onSendError: ProducerOptions['onSendError']
  #first: BrokerError | undefined

  constructor(onSendError: ProducerOptions['onSendError']) {
    this.#onSendError = onSendError
  }

  get first(): BrokerError | undefined {
    return this.#first
  }

  reject(error: BrokerError, record: RejectedRecord): void {
    if ((this.#onSendError?.(error, record) ?? 'fail') === 'fail') this.add(error)
  }

  /** Whatever a handler says. */
  add(error: BrokerError): void {
    this.#first ??= error
  }

  take(): BrokerError | undefined {
    const first = this.#first
    this.#first = undefined
    return first
  }
}

/** A failure as the end of a transaction tells it: what is wrong with a record is cured by an abort. */
export function abortable(failure: BrokerError): BrokerError {
  if (failure.class === 'fenced' || failure.class === 'fatal') return failure
  const { code, message, partitions } = failure
  return new BrokerError(code, 'abortable', message, { cause: failure, partitions })
}

export function stateError(message: string): BrokerError {
  return new BrokerError('INVALID_TXN_STATE', 'fatal', message)
}
