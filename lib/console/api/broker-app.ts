import { Hono } from 'hono'
import { partitionKey } from '../../common/ids.ts'
import { ApiRoutes } from './api-routes.ts'
import { browseQuery } from './browse-query.ts'
import type { ConsoleApplication, ConsoleParts } from './console-parts.ts'
import { RecordDecoder } from './record-decoder.ts'
import { TopicBrowser } from './topic-browser.ts'
import { followTopic } from './topic-follow.ts'
import { listTopics } from './topic-list.ts'

/** The API of the brokers, whose topics the applications share. */
export function brokerApp(applications: () => readonly ConsoleApplication[], parts: ConsoleParts): Hono {
  const { admin, logger } = parts
  const app = new Hono()
  const routes = new ApiRoutes(app, logger)
  const browser = new TopicBrowser(parts)
  routes.get('/topics', async () => ({ topics: await listTopics(admin, applications()) }))
  routes.get('/topics/:name/records', c => {
    const topic = c.req.param('name')!
    const query = browseQuery(c)
    return browser.browse(topic, query, new RecordDecoder(topic, applications(), query.format))
  })
  routes.get('/topics/:name/follow', async c => {
    const topic = c.req.param('name')!
    const { isolation, format, filter, partition } = browseQuery(c)
    const partitions = await browser.partitionsOf(topic, partition)
    const ends = await admin.endOffsets(partitions, isolation)
    const starts = partitions.map(each => ({
      ...each,
      offset: ends.get(partitionKey(topic, each.partition)) ?? 0,
    }))
    const decoder = new RecordDecoder(topic, applications(), format)
    return followTopic({ ...parts, starts, isolation, decoder, filter })
  })
  return app
}
