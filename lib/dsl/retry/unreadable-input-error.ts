/** Bytes that wait cannot be read any more: their serde has changed, or their schema is gone. */
export class UnreadableInputError extends Error {
  override readonly name = 'UnreadableInputError'

  constructor(cause: Error) {
    super(`the input that waits cannot be read: ${cause.message}`, { cause })
  }
}
