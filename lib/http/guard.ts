import { createHash, timingSafeEqual } from 'node:crypto'
import { isIPv4 } from 'node:net'
import { ConfigError } from '../common/errors/errors.ts'
import { HttpError } from './http-error.ts'

/**
 * What is looked at of a request. `remoteAddress`: undefined where there is no connection, as with
 * `app.request`.
 */
export interface Caller {
  readonly authorization: string | undefined
  readonly hostname: string
  readonly remoteAddress: string | undefined
}

/** Lets requests in, or says why not. */
export class Guard {
  readonly #digest: Buffer | undefined
  readonly #isOpen: boolean

  /** Throws `INVALID_TOKEN` for an empty token, which an unset variable of the environment may be. */
  constructor(token: string | false | undefined) {
    if (token === '') {
      throw new ConfigError(
        'INVALID_TOKEN',
        'token is an empty text: give one with at least a character, or false to serve everybody',
      )
    }
    this.#isOpen = token === false
    this.#digest = typeof token === 'string' ? digestOf(token) : undefined
  }

  refusal(caller: Caller): HttpError | undefined {
    if (this.#isOpen) return undefined
    if (this.#digest) return isToken(caller.authorization, this.#digest) ? undefined : unauthorised()
    return isLocal(caller) ? undefined : tokenNeeded()
  }
}

/** Digests are of one length, so that comparing them tells nothing of the token's. */
function isToken(authorization: string | undefined, digest: Buffer): boolean {
  const given = /^bearer +(\S+) *$/i.exec(authorization ?? '')?.[1]
  return given !== undefined && timingSafeEqual(digestOf(given), digest)
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}

/** By the name, too: a page of the web whose name was made to mean this machine must read nothing here. */
function isLocal({ hostname, remoteAddress }: Caller): boolean {
  return isLoopback(hostname) && (remoteAddress === undefined || isLoopback(remoteAddress))
}

/** A name or address of the loopback interface. */
export function isLoopback(host: string): boolean {
  const name = host
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/^::ffff:/, '')
  if (isIPv4(name)) return name.startsWith('127.')
  return name === '::1' || name === 'localhost' || name.endsWith('.localhost')
}

function unauthorised(): HttpError {
  return new HttpError(401, 'UNAUTHORIZED', 'this needs the header "Authorization: Bearer" with the token', {
    headers: { 'www-authenticate': 'Bearer' },
  })
}

function tokenNeeded(): HttpError {
  return new HttpError(
    403,
    'TOKEN_NEEDED',
    'without a token only requests over the loopback interface, to a name of it, are answered: give httpApp or serveHttp a token, or token: false ' +
      'to answer everybody',
  )
}
