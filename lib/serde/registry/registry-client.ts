import { Buffer } from 'node:buffer'
import type { Clock } from '../../common/clock.ts'
import { ConfigError, errorFrom } from '../../common/errors/errors.ts'
import type { Random } from '../../common/random.ts'
import { RegistryError } from './registry-error.ts'

/** Credentials for the registry: name and password (basic), or a token (bearer). */
export type RegistryAuth =
  { readonly username: string; readonly password: string } | { readonly token: string }

export interface RegistryClientOptions {
  /**
   * Address of the registry: `http://host:8081`, a path behind it included. A name and password in it count
   * as `auth`.
   */
  readonly url: string
  readonly auth?: RegistryAuth
  /** Time limit of one answer, its body included. Default 5,000. */
  readonly timeoutMs?: number
  /** How often a request is repeated that was not answered, or was answered with 5xx or 429. Default 5. */
  readonly retriesMax?: number
  /**
   * Pause before the first repetition; doubled for each further one up to 5,000, less a random part. Default
   * 200.
   */
  readonly retryPauseMs?: number
}

const MEDIA_TYPE = 'application/vnd.schemaregistry.v1+json'
const PAUSE_MS_MAX = 5000

interface Answer {
  readonly status: number
  readonly body: unknown
}

/** Requests to a schema registry: authentication, timeouts, retries, and errors that say what to do. */
export class RegistryClient {
  /** Address without credentials, for messages. */
  readonly url: string
  readonly #headers: { readonly [name: string]: string }
  readonly #clock: Clock
  readonly #random: Random
  readonly #timeoutMs: number
  readonly #retriesMax: number
  readonly #retryPauseMs: number

  /** Throws `ConfigError` for a URL that is none, and for numbers that are out of range. */
  constructor(options: RegistryClientOptions, clock: Clock, random: Random) {
    const url = parsedUrl(options.url)
    const auth = options.auth ?? authOf(url)
    url.username = url.password = ''
    this.url = url.href.replace(/\/+$/, '')
    this.#headers = {
      accept: `${MEDIA_TYPE}, application/json`,
      ...(auth ? { authorization: authorization(auth) } : {}),
    }
    this.#clock = clock
    this.#random = random
    this.#timeoutMs = wholeOrThrow('timeoutMs', options.timeoutMs ?? 5000, 1)
    this.#retriesMax = wholeOrThrow('retriesMax', options.retriesMax ?? 5, 0)
    this.#retryPauseMs = wholeOrThrow('retryPauseMs', options.retryPauseMs ?? 200, 1)
  }

  async get(path: string): Promise<unknown> {
    return this.#request('GET', path, undefined)
  }

  async post(path: string, body: object): Promise<unknown> {
    return this.#request('POST', path, body)
  }

  async #request(method: string, path: string, body: object | undefined): Promise<unknown> {
    for (let attempt = 0; ; attempt += 1) {
      const outcome = await this.#attempt(method, path, body)
      if (!(outcome instanceof Error)) return this.#bodyOrThrow(path, outcome)
      if (attempt >= this.#retriesMax) throw this.#unavailable(outcome, attempt + 1)
      await this.#clock.sleep(this.#pauseMs(attempt))
    }
  }

  /** Makes one request. Returns the answer, or an error where asking again may help. */
  async #attempt(method: string, path: string, body: object | undefined): Promise<Answer | Error> {
    const timeout = new AbortController()
    const timer = this.#clock.schedule(this.#timeoutMs, () => timeout.abort())
    try {
      const response = await fetch(this.url + path, {
        method,
        headers: body ? { ...this.#headers, 'content-type': MEDIA_TYPE } : this.#headers,
        signal: timeout.signal,
        ...(body ? { body: JSON.stringify(body) } : {}),
      })
      const text = await response.text()
      const { status } = response
      if (status >= 500 || status === 429) return new Error(`it answered ${status}: ${text.slice(0, 200)}`)
      return { status, body: jsonOf(text) }
    } catch (reason) {
      if (timeout.signal.aborted) return new Error(`it did not answer within ${this.#timeoutMs} ms`)
      const error = errorFrom(reason)
      return error.cause instanceof Error ? error.cause : error
    } finally {
      timer.cancel()
    }
  }

  #bodyOrThrow(path: string, { status, body }: Answer): unknown {
    if (status >= 200 && status < 300 && body !== undefined) return body
    const said = (body as { message?: unknown } | null | undefined)?.message
    const what = `${this.url}${path}: ${typeof said === 'string' ? said : `status ${status}`}`
    switch (status) {
      case 401:
      case 403:
        throw new RegistryError(
          'REGISTRY_UNAUTHORIZED',
          `the schema registry refuses the credentials for ${what} (setting: auth)`,
        )
      case 404:
        // A registry gives its errors a number; without one this is some other server.
        if (typeof (body as { error_code?: unknown } | null | undefined)?.error_code !== 'number') break
        throw new RegistryError('REGISTRY_NOT_FOUND', `the schema registry has no ${what}`)
      case 409:
        throw new RegistryError('REGISTRY_INCOMPATIBLE', `the subject's rule forbids the schema. ${what}`)
      case 422:
        throw new RegistryError('REGISTRY_INVALID', `the schema registry refuses ${what}`)
    }
    throw new RegistryError(
      'REGISTRY_ANSWER',
      `status ${status} of ${this.url}${path} is no answer of a schema registry: is the url right?`,
    )
  }

  #unavailable(cause: Error, attempts: number): RegistryError {
    return new RegistryError(
      'REGISTRY_UNAVAILABLE',
      `the schema registry at ${this.url} cannot be used after ${attempts} attempts: ${cause.message}. ` +
        'Is it running, and is its url right? (settings: url, timeoutMs, retriesMax)',
      { cause },
    )
  }

  /** The pause: between half of the step and all of it, so that many processes do not come back at once. */
  #pauseMs(attempt: number): number {
    const stepMs = Math.min(this.#retryPauseMs * 2 ** Math.min(attempt, 30), PAUSE_MS_MAX)
    return stepMs * (0.5 + this.#random.next() / 2)
  }
}

function parsedUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url
  throw new ConfigError(
    'INVALID_SETTING',
    `url is ${JSON.stringify(text)}: it must be that of the schema registry, such as "http://localhost:8081"`,
  )
}

function authOf({ username, password }: URL): RegistryAuth | undefined {
  if (username === '') return undefined
  return { username: decodeURIComponent(username), password: decodeURIComponent(password) }
}

function authorization(auth: RegistryAuth): string {
  if ('token' in auth) return `Bearer ${auth.token}`
  return `Basic ${Buffer.from(`${auth.username}:${auth.password}`, 'utf8').toString('base64')}`
}

function wholeOrThrow(name: string, value: number, least: number): number {
  if (Number.isSafeInteger(value) && value >= least) return value
  throw new ConfigError(
    'INVALID_SETTING',
    `${name} is ${value}: it must be a whole number of at least ${least}`,
  )
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
