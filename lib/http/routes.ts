import type { Http2Bindings, HttpBindings } from '@hono/node-server'
import type { Context, Hono } from 'hono'
import { errorFrom } from '../common/errors/errors.ts'
import type { Logger } from '../common/logger.ts'
import type { KafkaStreams } from '../streams/kafka-streams.ts'
import { commonHeaders, errorAnswer, httpErrorOf } from './answer.ts'
import type { Caller, Guard } from './guard.ts'
import { HttpError } from './http-error.ts'

type Answer = Response | Promise<Response>

export const METHODS = ['GET', 'HEAD']

/**
 * Wraps what every route has: who may ask, errors as JSON, 405. Nothing is registered for paths that are not
 * its own, which may be those of the app it is mounted in.
 */
export class Routes {
  readonly #app: Hono
  readonly #streams: KafkaStreams
  readonly #guard: Guard
  readonly #logger: Logger

  constructor(
    app: Hono,
    {
      streams,
      guard,
      logger,
    }: { readonly streams: KafkaStreams; readonly guard: Guard; readonly logger: Logger },
  ) {
    this.#app = app
    this.#streams = streams
    this.#guard = guard
    this.#logger = logger
  }

  get(path: string, handle: (c: Context) => Answer, { isOpen = false } = {}): void {
    this.#app.all(path, c =>
      this.#answered(c, isOpen, () => {
        if (METHODS.includes(c.req.method)) return handle(c)
        throw new HttpError(
          405,
          'METHOD_NOT_ALLOWED',
          `${c.req.method} is not served here: it is read only`,
          { headers: { allow: METHODS.join(', ') } },
        )
      }),
    )
  }

  /** Behind all others. */
  notFound(): void {
    const answer = (c: Context) =>
      this.#answered(c, false, () => {
        throw new HttpError(
          404,
          'NOT_FOUND',
          'there is nothing here; there are: stores, stores/NAME, stores/NAME/KEY, stores/NAME/KEY/windows, stores/NAME/KEY/sessions, stores/NAME/KEY/entries, ' +
            'stores/NAME/changes, health/live, health/ready, metrics',
        )
      })
    for (const path of ['/stores/*', '/health/*', '/metrics/*']) this.#app.all(path, answer)
    this.#app.notFound(answer)
  }

  async #answered(c: Context, isOpen: boolean, handle: () => Answer): Promise<Response> {
    const refusal = isOpen ? undefined : this.#guard.refusal(callerOf(c))
    try {
      if (refusal) throw refusal
      return await handle()
    } catch (error) {
      const known = httpErrorOf(error, this.#streams)
      const headers: { [name: string]: string } = { ...commonHeaders(this.#streams) }
      // Who may not ask is not told the state, either.
      if (refusal) delete headers['millrace-state']
      return errorAnswer(known ?? this.#failed(c, error), headers)
    }
  }

  #failed(c: Context, reason: unknown): HttpError {
    const error = errorFrom(reason)
    this.#logger.log('error', `a request for ${c.req.path} failed: ${error.message}`, { error })
    return new HttpError(500, 'INTERNAL', 'the request failed; the log of the application says why')
  }
}

function callerOf(c: Context): Caller {
  const { incoming } = (c.env ?? {}) as Partial<HttpBindings | Http2Bindings>
  return {
    authorization: c.req.header('authorization'),
    hostname: new URL(c.req.url).hostname,
    remoteAddress: incoming?.socket.remoteAddress,
  }
}
