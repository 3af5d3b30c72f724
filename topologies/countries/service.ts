import {
  continueOnError,
  startKeyValueStore,
  StreamsError,
  type KafkaStreams,
  type RunningService,
  type ServiceContext,
  type TopicStore,
  type WriteOptions,
} from 'millrace'
import { liveHub } from 'millrace/push'
import { Closing } from '../web/closing.ts'
import { createJsonApp } from '../web/json-app.ts'
import { limitBody } from '../web/limit-body.ts'
import { addPageFiles } from '../web/page-files.ts'
import { RequestError } from '../web/request-error.ts'
import { serveApp } from '../web/serve-app.ts'
import { countrySchema, countrySerde, type Country, type TimeZone } from './records.ts'
import { seedCountries } from './seed.ts'
import { TOPICS } from './topics.ts'

const BODY_BYTES_MAX = 64 * 1024

export interface CountriesService extends RunningService {
  readonly url: string
  /** The table as programs in this process use it. */
  readonly countries: TopicStore<string, Country>
}

/** Listens at once, answering 503; resolves when the tables are loaded, and seeded if they never were. */
export async function service(streams: KafkaStreams, context: ServiceContext): Promise<CountriesService> {
  const closing = new Closing()
  return closing.opening(async () => {
    const { broker, clock, logger } = context
    const options = { broker, clock, logger, deserializationErrorHandler: continueOnError }
    const writer = { valueSerde: countrySerde, writes: 'single-writer', hostsWriter: false } as const
    const countries = closing.use(
      startKeyValueStore<string, Country>(TOPICS.countries, { ...options, ...writer }),
    )
    const timeZones = closing.use(startKeyValueStore<string, TimeZone>(TOPICS.timeZones, options))
    const hub = liveHub({ clock, logger })
    countries.changes.subscribe(({ key }) => hub.publish(`countries/${key}`, 'changed'))
    timeZones.changes.subscribe(({ key }) => hub.publish(`time-zones/${key}`, 'changed'))

    let isLoaded = false
    const app = createJsonApp(logger)
    addPageFiles(app, new URL('page/', import.meta.url))
    app.use(async (_c, next) => {
      if (!isLoaded) throw new RequestError(503, 'LOADING', 'the tables are being loaded: try again soon')
      await next()
    })
    app.get('/healthz', c => {
      const ready = streams.state === 'running' && countries.size >= 0 && timeZones.size >= 0
      return c.json({ ready, writer: streams.state }, ready ? 200 : 503)
    })
    app.get('/countries', c => {
      const rows = sortedKeys(countries).map(code => shown(countries, code))
      return c.json({ total: rows.length, countries: rows })
    })
    app.get('/time-zones', c => {
      const rows = sortedKeys(timeZones).map(zone => ({ zone, ...timeZones.get(zone) }))
      return c.json({ total: rows.length, timeZones: rows })
    })
    app.get('/countries/:code', c => c.json(shown(countries, c.req.param('code'))))
    app.put('/countries/:code', limitBody(BODY_BYTES_MAX), async c => {
      const code = codeOrThrow(c.req.param('code'))
      const country = countryOrThrow(await c.req.json().catch(() => undefined))
      const version = await written(countries.put(code, country, optionsOf(c.req.query('version'))))
      return c.json({ code, ...country, version })
    })
    app.delete('/countries/:code', async c => {
      const code = codeOrThrow(c.req.param('code'))
      await written(countries.delete(code, optionsOf(c.req.query('version'))))
      return c.body(null, 204)
    })
    const url = await serveApp(app, { context, hub, closing })
    await Promise.all([countries.ready, timeZones.ready])
    await seedCountries(countries, broker)
    isLoaded = true
    logger.log('info', `countries on ${url}`)
    return { url, countries, [Symbol.asyncDispose]: () => closing[Symbol.asyncDispose]() }
  })
}

const sortedKeys = (store: Pick<TopicStore<string, unknown>, 'keys'>) => [...store.keys()].sort()

function shown(countries: TopicStore<string, Country>, code: string): object {
  const entry = countries.entry(code)
  if (entry) return { code, ...entry.value, version: entry.version }
  throw new RequestError(404, 'UNKNOWN_COUNTRY', `there is no country "${code.slice(0, 20)}"`)
}

function codeOrThrow(code: string): string {
  if (/^[A-Z]{2}$/.test(code)) return code
  throw new RequestError(400, 'INVALID_COUNTRY', 'a country code has two capital letters, such as "SS"')
}

function countryOrThrow(body: unknown): Country {
  const result = countrySchema['~standard'].validate(body)
  if ('issues' in result) throw new RequestError(400, 'INVALID_COUNTRY', result.issues[0].message)
  const unknown = result.value.timeZones.find(zone => !isTimeZone(zone))
  if (unknown === undefined) return result.value
  throw new RequestError(400, 'UNKNOWN_TIME_ZONE', `there is no time zone "${unknown}"`)
}

function isTimeZone(timeZone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone }) !== undefined
  } catch {
    return false
  }
}

/** Without a version the last write wins. */
function optionsOf(version: string | undefined): WriteOptions {
  if (version === undefined) return {}
  if (/^\d{1,15}$/.test(version)) return { expectedVersion: Number(version) }
  throw new RequestError(400, 'INVALID_VERSION', 'version must be a whole number, 0 for a new country')
}

/** What the writer has refused is 409: somebody else was there before. */
async function written(writing: Promise<number>): Promise<number> {
  try {
    return await writing
  } catch (error) {
    if (!(error instanceof StreamsError)) throw error
    if (error.code !== 'VERSION_CONFLICT' && error.code !== 'ROW_WITHOUT_VERSION') throw error
    throw new RequestError(409, error.code, 'somebody else has changed this country meanwhile')
  }
}
