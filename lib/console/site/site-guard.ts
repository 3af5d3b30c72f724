import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { isLoopback } from '../../http/guard.ts'
import { HttpError } from '../../http/http-error.ts'

const COOKIE = 'millrace-console'

/**
 * Decides who may use the site. Without a token only whoever asks for a loopback name may, so that no page of
 * the web reads it by a name that was made to mean this machine; with one, whoever brings it. Writes and
 * sockets must come from a page of the site itself, or from a program.
 */
export class SiteGuard {
  readonly #digest: string | undefined

  constructor(token: string | undefined) {
    this.#digest = token === undefined ? undefined : digestOf(token)
  }

  refusal(request: IncomingMessage): HttpError | undefined {
    return this.#strangerOf(request) ?? foreignOf(request)
  }

  /**
   * Where a browser goes on after it has brought the token in its address, with the cookie that stands for
   * it; undefined where the address has no token, or a wrong one.
   */
  signIn(request: IncomingMessage): { readonly location: string; readonly cookie: string } | undefined {
    const url = new URL(request.url ?? '/', 'http://site')
    const token = url.searchParams.get('token')
    if (token === null || this.#digest === undefined || !equal(digestOf(token), this.#digest))
      return undefined
    url.searchParams.delete('token')
    // Relative, as is the cookie's path: the site may lie below a path of a proxy.
    const last = url.pathname.slice(url.pathname.lastIndexOf('/') + 1)
    return {
      location: `./${last}${url.search}`,
      cookie: `${COOKIE}=${this.#digest}; HttpOnly; SameSite=Strict`,
    }
  }

  #strangerOf({ headers }: IncomingMessage): HttpError | undefined {
    if (this.#digest === undefined) return isLoopback(hostNameOf(headers.host)) ? undefined : strangeHost()
    const bearer = /^bearer +(\S+) *$/i.exec(headers.authorization ?? '')?.[1]
    if (bearer !== undefined && equal(digestOf(bearer), this.#digest)) return undefined
    const cookie = cookieOf(headers.cookie)
    if (cookie !== undefined && equal(cookie, this.#digest)) return undefined
    const message =
      'this console needs its token: open it once with ?token=… in the address, or send "Authorization: Bearer"'
    return new HttpError(401, 'UNAUTHORIZED', message, { headers: { 'www-authenticate': 'Bearer' } })
  }
}

/** A page of another site must not do anything in its visitor's name; programs send no origin. */
function foreignOf({ method, headers }: IncomingMessage): HttpError | undefined {
  const isRead = (method === 'GET' || method === 'HEAD') && headers.upgrade === undefined
  if (isRead || (headers.origin === undefined && headers['sec-fetch-site'] === undefined)) return undefined
  const { origin, host } = headers
  const isOwn =
    origin === undefined
      ? headers['sec-fetch-site'] === 'same-origin' || headers['sec-fetch-site'] === 'none'
      : URL.canParse(origin) && new URL(origin).host === host
  return isOwn ? undefined : new HttpError(403, 'FOREIGN_ORIGIN', 'this page comes from another host')
}

function strangeHost(): HttpError {
  const message =
    'without a token the console answers to a loopback name only, as 127.0.0.1 or localhost; for others give it --console-token'
  return new HttpError(403, 'TOKEN_NEEDED', message)
}

function hostNameOf(host = ''): string {
  return URL.canParse(`http://${host}`) ? new URL(`http://${host}`).hostname : ''
}

function cookieOf(header = ''): string | undefined {
  for (const pair of header.split(';')) {
    const [name, value] = pair.trim().split('=')
    if (name === COOKIE) return value
  }
  return undefined
}

/** Of one length, so that comparing tells nothing. */
function digestOf(token: string): string {
  return createHash('sha256').update(`millrace console ${token}`).digest('hex')
}

function equal(left: string, right: string): boolean {
  return left.length === right.length && timingSafeEqual(Buffer.from(left), Buffer.from(right))
}
