import { Hono, type Context } from 'hono'
import { cors } from 'hono/cors'
import { systemClock } from '../common/clock.ts'
import { ConfigError } from '../common/errors/errors.ts'
import { consoleLogger } from '../common/logger.ts'
import type { KafkaStreams } from '../streams/kafka-streams.ts'
import { AT_LEAST, untilAtLeast } from './at-least.ts'
import { commonHeaders, jsonAnswer, lagHeaders } from './answer.ts'
import { watchChanges } from './changes-route.ts'
import { Guard } from './guard.ts'
import { live, ready } from './health.ts'
import type { HttpAppOptions } from './http-options.ts'
import { INDEX_PARAMETERS, readIndexPage } from './index-route.ts'
import { KEY_PARAMETERS, readKey } from './key-route.ts'
import { PROMETHEUS_TYPE, prometheusText } from './prometheus.ts'
import { Query } from './query.ts'
import { RANGE_PARAMETERS, readRange } from './range-route.ts'
import { METHODS, Routes } from './routes.ts'
import { ServedStores, type ServedStore } from './served-stores.ts'
import { readSessions, readWindows, WINDOW_PARAMETERS } from './windowed-routes.ts'

type Read = (store: ServedStore, query: Query, c: Context) => object | Promise<object>

/**
 * An application's stores, health and metrics over HTTP, as a Hono app: to be served by `serveHttp`, or
 * mounted below a path of one's own (`own.route('/state', httpApp(streams))`). It writes nothing. The
 * application may be in any state, and be started later. `docs/http.md` has the routes. Throws `ConfigError`
 * for options that cannot be.
 */
export function httpApp(streams: KafkaStreams, options: HttpAppOptions = {}): Hono {
  return openHttpApp(streams, options, new AbortController().signal)
}

/** As `httpApp`; `stop` ends what would go on for ever. */
export function openHttpApp(streams: KafkaStreams, options: HttpAppOptions, stop: AbortSignal): Hono {
  const { token, clock = systemClock, logger = consoleLogger('info') } = options
  const { heartbeatMs = 15_000, changesBytesMax: bytesMax = 1024 * 1024 } = options
  const { atLeastMs = 5_000 } = options
  checkPositive('atLeastMs', atLeastMs)
  checkPositive('heartbeatMs', heartbeatMs)
  checkPositive('changesBytesMax', bytesMax)
  const app = new Hono()
  const routes = new Routes(app, { streams, guard: new Guard(token), logger })
  if (options.cors !== undefined) allowOrigins(app, options.cors)
  routes.get('/health/live', () => live(streams), { isOpen: true })
  routes.get('/health/ready', () => ready(streams), { isOpen: true })
  routes.get('/metrics', async () => {
    const { metrics, applicationId } = streams
    const labels = { application_id: applicationId }
    const text = await prometheusText(metrics.samples(), metrics.histograms(), labels)
    return new Response(text, { headers: { ...commonHeaders(streams), 'content-type': PROMETHEUS_TYPE } })
  })
  const stores = new ServedStores(streams, options.stores)
  routes.get('/stores/:name/changes', c => {
    noParameters(c)
    const how = { isHead: c.req.method === 'HEAD', bytesMax, heartbeatMs, clock, logger, stop }
    return watchChanges(streams, stores.get(c.req.param('name')!), how)
  })
  addStores(routes, streams, stores, atLeastMs)
  routes.notFound()
  return app
}

function addStores(routes: Routes, streams: KafkaStreams, stores: ServedStores, atLeastMs: number): void {
  /** A route that reads one store. */
  const reading = (path: string, parameters: readonly string[], read: Read) =>
    routes.get(path, async c => {
      const name = c.req.param('name')!
      const query = new Query(c.req.queries(), [...parameters, AT_LEAST])
      if (query.has(AT_LEAST)) await untilAtLeast(stores.get(name), query, atLeastMs)
      const store = stores.get(name)
      const body = await read(store, query, c)
      return jsonAnswer(body, { ...commonHeaders(streams), ...lagHeaders(store) })
    })
  routes.get('/stores', c => {
    noParameters(c)
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
  reading('/stores/:name/:key/entries', INDEX_PARAMETERS, (store, query, c) =>
    readIndexPage(streams, store, c.req.param('key')!, query),
  )
  reading('/stores/:name/:key/windows', WINDOW_PARAMETERS, (store, query, c) =>
    readWindows(streams, store, c.req.param('key')!, query),
  )
  reading('/stores/:name/:key/sessions', WINDOW_PARAMETERS, (store, query, c) =>
    readSessions(streams, store, c.req.param('key')!, query),
  )
}

function noParameters(c: Context): void {
  void new Query(c.req.queries(), [])
}

function checkPositive(option: string, value: number): void {
  if (Number.isSafeInteger(value) && value > 0) return
  throw new ConfigError('INVALID_OPTION', `${option} is ${value}: it must be a whole number of at least 1`)
}

function allowOrigins(app: Hono, origins: '*' | readonly string[]): void {
  const middleware = cors({
    origin: origins === '*' ? '*' : [...origins],
    allowMethods: METHODS,
    allowHeaders: ['authorization'],
    exposeHeaders: [
      'millrace-state',
      'millrace-lag',
      'millrace-stale-ms',
      'millrace-records-behind',
      'retry-after',
    ],
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
