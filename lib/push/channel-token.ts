import { createHmac, timingSafeEqual } from 'node:crypto'
import { ConfigError } from '../common/errors/errors.ts'
import { isChannel } from '../dsl/push/push-event.ts'
import { PushError } from './push-error.ts'

/** Characters of a secret, at least: shorter ones can be guessed. */
const SECRET_LENGTH_MIN = 16

/**
 * Makes and checks tokens of channels: the channel, the time at which the token ends, and an HMAC-SHA256 of
 * both and of the hub's name. The first secret signs, and all of them are known: so secrets can be changed
 * without a browser losing its channel.
 */
export class ChannelTokens {
  readonly #name: string
  readonly #secrets: readonly string[]

  /** Throws `INVALID_SECRET`. */
  constructor(name: string, secrets: string | readonly string[]) {
    this.#name = name
    // What is undefined, as an unset variable of the environment may be, is refused as well.
    this.#secrets = [secrets].flat()
    const isShort = (secret: unknown) => typeof secret !== 'string' || secret.length < SECRET_LENGTH_MIN
    if (this.#secrets.length > 0 && !this.#secrets.some(isShort)) return
    throw new ConfigError(
      'INVALID_SECRET',
      `secret of push hub "${name}" must be a text of at least ${SECRET_LENGTH_MIN} characters, or a list of such; false serves every channel to everybody`,
    )
  }

  make(channel: string, endsMs: number): string {
    const claims = `${Buffer.from(channel).toString('base64url')}.${endsMs.toString(36)}`
    return `${claims}.${this.#sign(this.#secrets[0]!, claims).toString('base64url')}`
  }

  /** Throws `PushError` for a token that does not open the channel now. */
  check(token: string | null, channel: string, nowMs: number): void {
    if (token === null || token === '') throw new PushError(401, 'TOKEN_MISSING', 'token is missing')
    const [name = '', ends = '', signature = '', ...more] = token.split('.')
    if (more.length > 0 || !this.#isSigned(`${name}.${ends}`, Buffer.from(signature, 'base64url'))) {
      throw new PushError(401, 'TOKEN_FORGED', 'token is not one of this hub')
    }
    if (Buffer.from(name, 'base64url').toString() !== channel) {
      throw new PushError(403, 'CHANNEL_FORBIDDEN', 'token is for another channel')
    }
    if (Number.parseInt(ends, 36) > nowMs) return
    throw new PushError(401, 'TOKEN_EXPIRED', 'token has expired')
  }

  /** Every secret is tried, and in constant time, so that the answer's time tells nothing. */
  #isSigned(claims: string, signature: Buffer): boolean {
    let isSigned = false
    for (const secret of this.#secrets) {
      const right = this.#sign(secret, claims)
      if (signature.length === right.length && timingSafeEqual(signature, right)) isSigned = true
    }
    return isSigned
  }

  #sign(secret: string, claims: string): Buffer {
    return createHmac('sha256', secret).update(`${this.#name}\n${claims}`).digest()
  }
}

/** Throws `PushError` where the text cannot be the name of a channel. */
export function channelOrThrow(channel: string | null): string {
  if (isChannel(channel)) return channel
  const message = 'channel must be 1 to 200 characters, none of them a control character'
  throw new PushError(400, 'INVALID_CHANNEL', message)
}
