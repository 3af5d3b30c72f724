import type { Hono } from 'hono'
import type { KafkaStreams, Logger } from 'millrace'
import { createJsonApp } from '../../web/json-app.ts'
import { limitBody } from '../../web/limit-body.ts'
import { numberOrThrow } from '../../web/number-value.ts'
import { addPageFiles } from '../../web/page-files.ts'
import { RequestError } from '../../web/request-error.ts'
import type { TopicWriter } from '../../web/topic-writer.ts'
import type { SiteMetadata } from '../records.ts'
import { isId, siteSchema } from '../site-schema.ts'
import type { Staleness } from '../staleness.ts'
import { RATE, type Traffic } from '../traffic.ts'
import type { Reads } from './reads.ts'

const LIMIT = { fallback: 50, least: 1, most: 500 }
const SITE_BYTES_MAX = 256 * 1024

export interface RouteParts {
  readonly streams: KafkaStreams
  readonly reads: Reads
  readonly writer: TopicWriter<SiteMetadata>
  readonly traffic: Traffic
  readonly staleness: { readonly now: Staleness }
  readonly logger: Logger
}

/** The HTTP side. Every answer from the views says how old it may be. */
export function createApp(parts: RouteParts): Hono {
  const app = createJsonApp(parts.logger)
  addPageFiles(app, new URL('../page/', import.meta.url))
  addReads(app, parts)
  addWrites(app, parts)
  return app
}

function addReads(app: Hono, { streams, reads, staleness }: RouteParts): void {
  app.get('/healthz', c => {
    const { state } = streams
    return c.json({ state, staleness: staleness.now }, state === 'running' ? 200 : 503)
  })
  app.get('/metrics', c => c.text(metricsText(staleness.now)))
  app.get('/sites', async c => {
    const limit = numberOrThrow('limit', c.req.query('limit'), LIMIT)
    const { items, next } = await reads.sites(c.req.query('after') ?? '', limit)
    return c.json({ sites: items, next: next?.siteId, staleness: staleness.now })
  })
  app.get('/sites/:siteId/apps', c => {
    const siteId = c.req.param('siteId')
    const found = reads.find(siteId)
    if (found) return c.json({ siteId, ...found, staleness: staleness.now })
    // That a site is not there may be old, too.
    const message = `there is no site "${siteId.slice(0, 100)}"`
    return c.json({ error: { code: 'UNKNOWN_SITE', message }, staleness: staleness.now }, 404)
  })
  app.get('/apps', async c => c.json({ apps: await reads.apps(), staleness: staleness.now }))
  app.get('/apps/:appId/sites', async c => {
    const appId = c.req.param('appId')
    const limit = numberOrThrow('limit', c.req.query('limit'), LIMIT)
    const { items, next } = await reads.sitesOf(appId, c.req.query('after') ?? '', limit)
    const total = reads.sitesWith(appId)
    return c.json({ appId, total, sites: items, next: next?.siteId, staleness: staleness.now })
  })
}

/** What the owner of the sites would do, which is another service than this one. */
function addWrites(app: Hono, { writer, traffic, staleness }: RouteParts): void {
  app.put('/sites/:siteId', limitBody(SITE_BYTES_MAX), async c => {
    const siteId = siteIdOrThrow(c.req.param('siteId'))
    const body: unknown = await c.req.json().catch(() => undefined)
    const result = siteSchema['~standard'].validate({ ...(body as object), siteId })
    if ('issues' in result) throw new RequestError(400, 'INVALID_SITE', result.issues[0].message)
    await writer.put(siteId, result.value)
    return c.json({ siteId, staleness: staleness.now }, 202)
  })
  app.delete('/sites/:siteId', async c => {
    const siteId = siteIdOrThrow(c.req.param('siteId'))
    await writer.put(siteId, null)
    return c.json({ siteId, staleness: staleness.now }, 202)
  })
  app.get('/traffic', c => c.json({ perSecond: traffic.perSecond, staleness: staleness.now }))
  app.put('/traffic', c => {
    traffic.perSecond = numberOrThrow('perSecond', c.req.query('perSecond'), RATE)
    return c.json({ perSecond: traffic.perSecond, staleness: staleness.now })
  })
}

function siteIdOrThrow(siteId: string): string {
  if (isId(siteId)) return siteId
  throw new RequestError(400, 'INVALID_SITE', 'a site id has 1 to 64 letters, digits, ".", "_" or "-"')
}

/** In Prometheus's text format; what is not known is left out. */
function metricsText({ recordsBehind, staleMs }: Staleness): string {
  const gauge = (name: string, help: string, value: number | null) =>
    value === null ? '' : `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${name} ${value}\n`
  return (
    gauge('site_apps_records_behind', 'Records that are not in the views yet.', recordsBehind) +
    gauge(
      'site_apps_staleness_seconds',
      'Everything published so long ago is in the views.',
      staleMs === null ? null : staleMs / 1000,
    )
  )
}
