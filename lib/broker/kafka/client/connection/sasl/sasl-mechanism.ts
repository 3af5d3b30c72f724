import { Buffer } from 'node:buffer'

/** One way of proving who we are; made once, used for every connection. */
export interface SaslMechanism {
  /** As the broker knows it. */
  readonly name: string
  begin(): SaslExchange
}

/** The client's side of one authentication. */
export interface SaslExchange {
  first(): Buffer | Promise<Buffer>
  /**
   * The answer to the broker's words; undefined where none is due. Throws where the broker is not to be
   * trusted.
   */
  next(challenge: Buffer): Buffer | undefined
}

/** RFC 4616: user and password in clear, so for TLS only. */
export function plainMechanism(username: string, password: string): SaslMechanism {
  return {
    name: 'PLAIN',
    begin: () => ({
      first: () => Buffer.from(`\0${username}\0${password}`, 'utf8'),
      next: () => undefined,
    }),
  }
}
