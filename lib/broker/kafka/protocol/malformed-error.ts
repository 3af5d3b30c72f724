/**
 * Bytes that do not follow the protocol. It stays inside of the client: the caller that knows the partition
 * or the broker makes a `BrokerError` of it.
 */
export class MalformedError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'MalformedError'
  }
}
