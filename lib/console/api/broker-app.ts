import { Hono } from 'hono'
import { ApiRoutes } from './api-routes.ts'
import type { ConsoleApplication, ConsoleParts } from './console-app.ts'
import { listTopics } from './topic-list.ts'

/** The API of the brokers, whose topics the applications share. */
export function brokerApp(applications: () => readonly ConsoleApplication[], parts: ConsoleParts): Hono {
  const app = new Hono()
  const routes = new ApiRoutes(app, parts.logger)
  routes.get('/topics', async () => ({ topics: await listTopics(parts.admin, applications()) }))
  return app
}
