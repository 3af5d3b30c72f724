import type { Hono } from 'hono'
import type { Clock, KafkaStreams, Logger, ReadOnlyKeyValueStore } from 'millrace'
import { createJsonApp } from '../../web/json-app.ts'
import { limitBody } from '../../web/limit-body.ts'
import { numberOrThrow } from '../../web/number-value.ts'
import { addPageFiles } from '../../web/page-files.ts'
import { RequestError } from '../../web/request-error.ts'
import { countrySchema, isCode } from '../country-schema.ts'
import type { KeyValueTable } from '../../web/key-value-table.ts'
import type { Country, TimeZone } from '../records.ts'
import { isTimeZone, zoneOffset } from './zone-offset.ts'

const LIMIT = { fallback: 50, least: 1, most: 500 }
const BODY_BYTES_MAX = 64 * 1024

export interface RouteParts {
  /** Undefined while the tables are loading. */
  readonly tables: () => LoadedTables | undefined
  readonly streams: KafkaStreams
  readonly clock: Clock
  readonly logger: Logger
}

export interface LoadedTables {
  readonly state: string
  readonly countries: KeyValueTable<Country>
  readonly timeZones: ReadOnlyKeyValueStore<string, TimeZone>
}

/** The HTTP side. Nothing is answered from tables that are not loaded: then it is 503. */
export function createApp(parts: RouteParts): Hono {
  const app = createJsonApp(parts.logger)
  addPageFiles(app, new URL('../page/', import.meta.url))
  addHealth(app, parts)
  addReads(app, parts)
  addWrites(app, parts)
  return app
}

function addHealth(app: Hono, { tables, streams }: RouteParts): void {
  app.get('/healthz', c => {
    const loaded = tables()
    const isReady = loaded?.state === 'running' && streams.state === 'running'
    return c.json(
      { ready: isReady, tables: loaded?.state ?? 'loading', writer: streams.state },
      isReady ? 200 : 503,
    )
  })
}

function addReads(app: Hono, { tables, clock }: RouteParts): void {
  app.get('/countries', async c => {
    const words = wordsOf(c.req.query('search'))
    const limit = numberOrThrow('limit', c.req.query('limit'), LIMIT)
    const { countries } = loadedOrThrow(tables)
    const matches = (code: string, { name, timeZones }: Country) =>
      hasWords(words, [code, name, ...timeZones])
    const { total, items } = await found(countries.all(), matches, limit)
    return c.json({ total, countries: items.map(([code, country]) => ({ code, ...country })) })
  })
  app.get('/countries/:code', c => {
    const code = c.req.param('code')
    const country = loadedOrThrow(tables).countries.get(code)
    if (country) return c.json({ code, ...country })
    throw new RequestError(404, 'UNKNOWN_COUNTRY', `there is no country "${code.slice(0, 20)}"`)
  })
  app.get('/time-zones', async c => {
    const words = wordsOf(c.req.query('search'))
    const limit = numberOrThrow('limit', c.req.query('limit'), LIMIT)
    const { timeZones } = loadedOrThrow(tables)
    const matches = (zone: string, { countries }: TimeZone) => hasWords(words, [zone, ...countries])
    const { total, items } = await found(timeZones.all(), matches, limit)
    const nowMs = clock.nowMs()
    return c.json({
      total,
      timeZones: items.map(([zone, value]) => ({ zone, ...value, offset: zoneOffset(zone, nowMs) })),
    })
  })
}

function addWrites(app: Hono, { tables }: RouteParts): void {
  app.put('/countries/:code', limitBody(BODY_BYTES_MAX), async c => {
    const { countries } = loadedOrThrow(tables)
    const code = codeOrThrow(c.req.param('code'))
    const result = countrySchema['~standard'].validate(await c.req.json().catch(() => undefined))
    if ('issues' in result) throw new RequestError(400, 'INVALID_COUNTRY', result.issues[0].message)
    const unknown = result.value.timeZones.find(zone => !isTimeZone(zone))
    if (unknown !== undefined) {
      throw new RequestError(400, 'UNKNOWN_TIME_ZONE', `there is no time zone "${unknown}"`)
    }
    await countries.put(code, result.value)
    return c.json({ code, ...result.value })
  })
  app.delete('/countries/:code', async c => {
    const { countries } = loadedOrThrow(tables)
    await countries.delete(codeOrThrow(c.req.param('code')))
    return c.body(null, 204)
  })
}

function loadedOrThrow(tables: () => LoadedTables | undefined): LoadedTables {
  const loaded = tables()
  if (loaded) return loaded
  throw new RequestError(503, 'LOADING', 'the tables are being loaded: try again soon')
}

function codeOrThrow(code: string): string {
  if (isCode(code)) return code
  throw new RequestError(400, 'INVALID_COUNTRY', 'a country code has two capital letters, such as "SS"')
}

/** Everything that matches is counted, the first ones are returned. */
async function found<V>(
  entries: AsyncIterable<readonly [string, V]>,
  matches: (key: string, value: V) => boolean,
  limit: number,
): Promise<{ total: number; items: (readonly [string, V])[] }> {
  const items: (readonly [string, V])[] = []
  let total = 0
  for await (const [key, value] of entries) {
    if (!matches(key, value)) continue
    total += 1
    if (items.length < limit) items.push([key, value])
  }
  return { total, items }
}

function wordsOf(search = ''): string[] {
  return plain(search).split(/\s+/).filter(Boolean)
}

function hasWords(words: readonly string[], texts: readonly string[]): boolean {
  const text = plain(texts.join('\n'))
  return words.every(word => text.includes(word))
}

/** So that "cote d'ivoire" finds it, and "new york" finds `America/New_York`. */
function plain(text: string): string {
  return text.normalize('NFD').replace(/\p{M}/gu, '').replaceAll('_', ' ').toLowerCase()
}
