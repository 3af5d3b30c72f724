import { systemRandom, type KafkaStreams, type RunningService, type ServiceContext } from 'millrace'
import { liveHub } from 'millrace/push'
import { Closing } from '../web/closing.ts'
import { serveApp } from '../web/serve-app.ts'
import { requireCompacted } from '../web/require-compacted.ts'
import { TopicWriter } from '../web/topic-writer.ts'
import { Reads } from './http/reads.ts'
import { createApp } from './http/routes.ts'
import { publishChanges } from './publish-changes.ts'
import type { SiteMetadata } from './records.ts'
import { StalenessMonitor } from './staleness.ts'
import { TOPICS } from './topics.ts'
import { Traffic } from './traffic.ts'

/**
 * The reading side of the site apps, and what plays their owner: routes, the page, and the changes pushed to
 * it.
 */
export async function service(
  streams: KafkaStreams,
  context: ServiceContext,
): Promise<RunningService & { readonly url: string }> {
  const closing = new Closing()
  const url = await closing.opening(() => open(streams, context, closing))
  context.logger.log('info', `site apps on ${url}`)
  return { url, [Symbol.asyncDispose]: () => closing[Symbol.asyncDispose]() }
}

async function open(streams: KafkaStreams, context: ServiceContext, closing: Closing): Promise<string> {
  const { clock, logger } = context
  await requireCompacted(context, Object.values(TOPICS))
  const writer = closing.use(await TopicWriter.open<SiteMetadata>(TOPICS.metadata, context))
  const staleness = closing.use(await StalenessMonitor.open(streams, context))
  const reads = new Reads(streams)
  const write = (siteId: string, site: SiteMetadata | null) => writer.put(siteId, site)
  const appsOf = (siteId: string) => reads.find(siteId)?.apps
  const traffic = closing.use(new Traffic({ write, appsOf, clock, random: systemRandom, logger }))
  const app = createApp({ streams, reads, writer, traffic, staleness, logger })
  const hub = liveHub({ clock })
  const url = await serveApp(app, { context, hub, closing })
  closing.use(publishChanges({ streams, hub, staleness, traffic, clock }))
  return url
}
