import type { Context, Hono } from 'hono'
import { BrokerError } from '../../broker/broker-error.ts'
import { ConfigError, errorFrom, StreamsError } from '../../common/errors/errors.ts'
import type { Logger } from '../../common/logger.ts'
import { jsonAnswer } from '../../http/answer.ts'
import { HttpError } from '../../http/http-error.ts'

const HEADERS = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' }
const BODY_BYTES_MAX = 4 * 1024 * 1024

export type JsonBody = { readonly [name: string]: unknown }

/** What every route of the API has: answers and errors as JSON. */
export class ApiRoutes {
  readonly #app: Hono
  readonly #logger: Logger

  constructor(app: Hono, logger: Logger) {
    this.#app = app
    this.#logger = logger
    app.notFound(c => answered(new HttpError(404, 'NOT_FOUND', `there is nothing at ${c.req.path}`)))
  }

  /** A handler that returns no `Response` is answered with as JSON. */
  get(path: string, handle: (c: Context) => unknown): void {
    this.#app.get(path, c => this.#answer(c, () => handle(c)))
  }

  /** The body must be a JSON object; none at all is an empty one. */
  post(path: string, handle: (body: JsonBody, c: Context) => unknown): void {
    this.#app.post(path, c => this.#answer(c, async () => handle(await bodyOf(c), c)))
  }

  async #answer(c: Context, handle: () => unknown): Promise<Response> {
    try {
      const result = await handle()
      return result instanceof Response ? result : jsonAnswer(result, HEADERS)
    } catch (reason) {
      return answered(httpErrorOf(reason) ?? this.#failed(c, reason))
    }
  }

  #failed(c: Context, reason: unknown): HttpError {
    const error = errorFrom(reason)
    this.#logger.log('error', `a request for ${c.req.path} failed: ${error.message}`, { error })
    return new HttpError(500, 'INTERNAL', 'the request failed; the log of the application says why')
  }
}

export function badBody(message: string): HttpError {
  return new HttpError(400, 'BAD_BODY', message)
}

/** A text of the body; undefined where there is none. Throws `BAD_BODY` for what is no text. */
export function textOf(body: JsonBody, name: string): string | undefined {
  const value = body[name]
  if (value === undefined || typeof value === 'string') return value
  throw badBody(`"${name}" must be a text`)
}

function answered({ code, message, status, headers, details }: HttpError): Response {
  return jsonAnswer({ error: { code, message, ...details } }, { ...HEADERS, ...headers }, status)
}

/** What an error of the library means to whoever asked; undefined for one that is no affair of theirs. */
function httpErrorOf(error: unknown): HttpError | undefined {
  if (error instanceof HttpError) return error
  if (error instanceof TypeError || error instanceof RangeError)
    return new HttpError(400, 'BAD_REQUEST', error.message)
  if (error instanceof BrokerError) return new HttpError(503, error.code, error.message)
  if (!(error instanceof StreamsError)) return undefined
  return new HttpError(statusOf(error), error.code, error.message)
}

function statusOf(error: StreamsError): number {
  if (error.code.startsWith('UNKNOWN_') || error.code.startsWith('NO_')) return 404
  return error instanceof ConfigError ? 400 : 409
}

async function bodyOf(c: Context): Promise<JsonBody> {
  if (Number(c.req.header('content-length') ?? 0) > BODY_BYTES_MAX)
    throw new HttpError(413, 'BODY_TOO_LARGE', `the body may have ${BODY_BYTES_MAX} bytes`)
  const text = await c.req.text()
  if (text === '') return {}
  try {
    const body: unknown = JSON.parse(text)
    if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body as JsonBody
  } catch {
    // It is told below what the body should be.
  }
  throw badBody('the body must be a JSON object')
}
