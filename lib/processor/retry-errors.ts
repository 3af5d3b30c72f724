/**
 * Thrown by an asynchronous callback, or what its promise rejects with: trying again cannot help. The record
 * goes to the dead letters at once.
 */
export class NonRetriableError extends Error {
  override readonly name = 'NonRetriableError'
}

/** Thrown by an asynchronous callback: the next try is not to come before so many milliseconds. */
export class RetryAfterError extends Error {
  override readonly name = 'RetryAfterError'
  readonly retryAfterMs: number

  constructor(
    retryAfterMs: number,
    message = `to be tried again after ${retryAfterMs} ms`,
    options?: ErrorOptions,
  ) {
    super(message, options)
    if (!(Number.isFinite(retryAfterMs) && retryAfterMs >= 0)) {
      throw new TypeError(`retryAfterMs is ${retryAfterMs}: it must be a number of milliseconds, at least 0`)
    }
    this.retryAfterMs = retryAfterMs
  }
}
