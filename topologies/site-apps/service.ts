import { randomUUID } from 'node:crypto'
import {
  serdes,
  StalenessMonitor,
  type KafkaStreams,
  type RunningService,
  type ServiceContext,
  type Timer,
  type TopicPartitionOffset,
} from 'millrace'
import { httpApp } from 'millrace/http'
import { liveHub } from 'millrace/push'
import { Closing } from '../web/closing.ts'
import { createJsonApp } from '../web/json-app.ts'
import { limitBody } from '../web/limit-body.ts'
import { numberOrThrow } from '../web/number-value.ts'
import { addPageFiles } from '../web/page-files.ts'
import { RequestError } from '../web/request-error.ts'
import { serveApp } from '../web/serve-app.ts'
import type { AppCount, SiteApps, SiteMetadata } from './records.ts'
import { isId, siteSchema } from './site-schema.ts'
import { TOPICS, VIEWS } from './topics.ts'
import { RATE, Traffic } from './traffic.ts'

const STATUS_MS = 500
const SITE_BYTES_MAX = 256 * 1024

/** The page and its reads, and what plays the owner of the sites, which is another service in real life. */
export async function service(
  streams: KafkaStreams,
  context: ServiceContext,
): Promise<RunningService & { readonly url: string }> {
  const closing = new Closing()
  return closing.opening(async () => {
    const { broker, clock, logger } = context
    const serde = { keySerde: serdes.string(), valueSerde: serdes.json<SiteMetadata>() }
    const metadata = broker.topic(TOPICS.metadata, serde)
    const measured = async (storeName: string) =>
      closing.use(await StalenessMonitor.open(streams, { storeName, broker, clock, logger }))
    const sites = { staleness: await measured(VIEWS.sites) }
    const apps = { staleness: await measured(VIEWS.apps) }
    const view = streams.store<string, { readonly value: SiteApps }>(VIEWS.sites)
    const appsOf = (siteId: string) => view.get(siteId)?.value.apps
    const traffic = closing.use(new Traffic({ metadata, appsOf, clock, logger }))
    /** The index is the longer way. */
    const state = () => ({ perSecond: traffic.perSecond, staleness: apps.staleness.now })

    const app = createJsonApp(logger)
    addPageFiles(app, new URL('page/', import.meta.url))
    app.get('/state', c => c.json(state()))
    app.put('/sites/:siteId', limitBody(SITE_BYTES_MAX), async c => {
      const siteId = siteIdOrThrow(c.req.param('siteId'))
      const body: unknown = await c.req.json().catch(() => undefined)
      const site = { revision: randomUUID(), ...(body as object), siteId }
      const result = siteSchema['~standard'].validate(site)
      if ('issues' in result) throw new RequestError(400, 'INVALID_SITE', result.issues[0].message)
      return c.json(written(siteId, await metadata.put(siteId, result.value)), 202)
    })
    app.delete('/sites/:siteId', async c => {
      const siteId = siteIdOrThrow(c.req.param('siteId'))
      return c.json(written(siteId, await metadata.put(siteId, null)), 202)
    })
    app.put('/traffic', c => {
      traffic.perSecond = numberOrThrow('perSecond', c.req.query('perSecond'), RATE)
      return c.json(state())
    })
    const stores = { [VIEWS.sites]: sites, [VIEWS.apps]: apps, [VIEWS.counts]: {} }
    app.route('/', httpApp(streams, { stores, token: false, clock, logger }))
    const hub = liveHub({ clock, logger })
    const url = await serveApp(app, { context, hub, closing })
    const changes = streams.changes<string, SiteApps>(VIEWS.sites).subscribe(({ key, value }) => {
      hub.publish(`site/${key}`, value && { siteId: key, ...value })
    })
    closing.add(() => changes.unsubscribe())
    const counts = streams.changes<string, AppCount>(VIEWS.counts).subscribe(({ key, value }) => {
      hub.publish(`app/${key}`, { appId: key, sites: value?.sites ?? 0 })
    })
    closing.add(() => counts.unsubscribe())
    let timer: Timer
    const tell = () => {
      hub.publish('status', state())
      timer = clock.schedule(STATUS_MS, tell)
    }
    tell()
    closing.add(() => timer.cancel())
    logger.log('info', `site apps on ${url}`)
    return { url, [Symbol.asyncDispose]: () => closing[Symbol.asyncDispose]() }
  })
}

/** Who reads with `?atLeast=` of this sees what was written. */
function written(siteId: string, { topic, partition, offset }: TopicPartitionOffset): object {
  return { siteId, atLeast: `${topic}-${partition}:${offset}` }
}

function siteIdOrThrow(siteId: string): string {
  if (isId(siteId)) return siteId
  throw new RequestError(400, 'INVALID_SITE', 'a site id has 1 to 64 letters, digits, ".", "_" or "-"')
}
