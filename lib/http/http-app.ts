import type { Http2Bindings, HttpBindings } from '@hono/node-server'
import { Hono, type Context } from 'hono'
import { cors } from 'hono/cors'
import { errorFrom } from '../common/errors.ts'
import { consoleLogger, type Logger } from '../common/logger.ts'
import type { KafkaStreams } from '../streams/kafka-streams.ts'
import { commonHeaders, errorAnswer, httpErrorOf, jsonAnswer, lagHeaders, type Headers } from './answer.ts'
import { Guard, type Caller } from './guard.ts'
import { live, ready } from './health.ts'
import { HttpError } from './http-error.ts'
import type { HttpAppOptions } from './http-options.ts'
import { KEY_PARAMETERS, readKey } from './key-route.ts'
import { PROMETHEUS_TYPE, prometheusText } from './prometheus.ts'
import { Query } from './query.ts'
import { RANGE_PARAMETERS, readRange } from './range-route.ts'
import { ServedStores, type ServedStore } from './served-stores.ts'
import { readSessions, readWindows, WINDOW_PARAMETERS } from './windowed-routes.ts'

type Answer = Response | Promise<Response>
type Read = (store: ServedStore, query: Query, c: Context) => object | Promise<object>

const METHODS = ['GET', 'HEAD']

/**
 * An application's stores, health and metrics over HTTP, as a Hono app: to be served by `serveHttp`, or mounted below a path of one's own (`own.route('/state', httpApp(streams))`).
 * It writes nothing. The application may be in any state, and be started later. `docs/http.md` has the routes. Throws `ConfigError` for options that cannot be.
 */
export function httpApp(streams: KafkaStreams, options: HttpAppOptions = {}): Hono {
  const { stores, token, logger = consoleLogger('info') } = options
  const app = new Hono()
  const routes = new Routes(app, { streams, guard: new Guard(token), logger })
  if (options.cors !== undefined) allowOrigins(app, options.cors)
  routes.get('/health/live', () => live(streams), { isOpen: true })
  routes.get('/health/ready', () => ready(streams), { isOpen: true })
  routes.get('/metrics', () => {
    const text = prometheusText(streams.metrics.samples(), { application_id: streams.applicationId })
    return new Response(text, { headers: { ...commonHeaders(streams), 'content-type': PROMETHEUS_TYPE } })
  })
  addStores(routes, streams, new ServedStores(streams, stores))
  routes.notFound()
  return app
}

function addStores(routes: Routes, streams: KafkaStreams, stores: ServedStores): void {
  /** A route that reads one store. */
  const reading = (path: string, parameters: readonly string[], read: Read) =>
    routes.get(path, async c => {
      const store = stores.get(c.req.param('name')!)
      const body = await read(store, new Query(c.req.queries(), parameters), c)
      return jsonAnswer(body, { ...commonHeaders(streams), ...lagHeaders(store) })
    })
  routes.get('/stores', c => {
    void new Query(c.req.queries(), [])
    return jsonAnswer({ stores: stores.all().map(listed) }, commonHeaders(streams))
  })
  reading('/stores/:name', RANGE_PARAMETERS, (store, query) => {
    const key = query.text('key')
    if (key === undefined) return readRange(streams, store, query)
    query.exclusive('key', ['from', 'to', 'prefix', 'limit', 'reverse', 'cursor'])
    return readKey(streams, store, key, query)
  })
  reading('/stores/:name/:key', KEY_PARAMETERS, (store, query, c) =>
    readKey(streams, store, c.req.param('key')!, query),
  )
  reading('/stores/:name/:key/windows', WINDOW_PARAMETERS, (store, query, c) =>
    readWindows(streams, store, c.req.param('key')!, query),
  )
  reading('/stores/:name/:key/sessions', WINDOW_PARAMETERS, (store, query, c) =>
    readSessions(streams, store, c.req.param('key')!, query),
  )
}

/** Wraps what every route has: who may ask, errors as JSON, 405. Nothing is registered for paths that are not its own, which may be those of the app it is mounted in. */
class Routes {
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
          {
            allow: METHODS.join(', '),
          },
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
          'there is nothing here; there are: stores, stores/NAME, stores/NAME/KEY, stores/NAME/KEY/windows, stores/NAME/KEY/sessions, ' +
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
      // Who may not ask is not told the state, either.
      const { 'millrace-state': _, ...bare } = commonHeaders(this.#streams) as Headers & {
        'millrace-state': string
      }
      return errorAnswer(known ?? this.#failed(c, error), refusal ? bare : commonHeaders(this.#streams))
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

function allowOrigins(app: Hono, origins: '*' | readonly string[]): void {
  const middleware = cors({
    origin: origins === '*' ? '*' : [...origins],
    allowMethods: METHODS,
    allowHeaders: ['authorization'],
    exposeHeaders: ['millrace-state', 'millrace-lag', 'retry-after'],
  })
  for (const path of ['/stores/*', '/health/*', '/metrics']) app.use(path, middleware)
}

function listed(store: ServedStore): object {
  const { name, kind, isGlobal, keySerde, valueSerde, partitions, partitionCount, lag } = store
  return {
    name,
    kind,
    isGlobal,
    keySerde: keySerde?.name ?? null,
    valueSerde: valueSerde?.name ?? null,
    partitions: isGlobal ? null : partitions,
    partitionCount: partitionCount ?? null,
    lag: lag ?? null,
  }
}
