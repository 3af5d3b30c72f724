/**
 * Bytes that are not what the protocol says. Internal: whoever knows what was read makes a `BrokerError` of
 * it, with the place.
 */
export class MalformedError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'MalformedError'
  }
}
