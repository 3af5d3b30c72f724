import { Buffer } from 'node:buffer'

/** A SASL mechanism with its credentials, for all connections. */
export interface SaslMechanism {
  /** The name of the mechanism in Kafka's protocol. */
  readonly name: string
  begin(): SaslExchange
}

/** The client's side of one authentication. */
export interface SaslExchange {
  first(): Buffer | Promise<Buffer>
  /**
   * The answer to a challenge; undefined where the exchange is over. Throws where the broker cannot be
   * trusted.
   */
  next(challenge: Buffer): Buffer | undefined
}

/** PLAIN (RFC 4616) sends user and password in clear text, so it needs TLS. */
export function plainMechanism(username: string, password: string): SaslMechanism {
  return {
    name: 'PLAIN',
    begin: () => ({
      first: () => Buffer.from(`\0${username}\0${password}`, 'utf8'),
      next: () => undefined,
    }),
  }
}
