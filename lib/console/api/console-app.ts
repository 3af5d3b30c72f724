import { Hono } from 'hono'
import { openHttpApp } from '../../http/http-app.ts'
import { ApiRoutes } from './api-routes.ts'
import { AuditReader } from '../audit/audit-reader.ts'
import type { ConsoleApplication, ConsoleParts } from './console-parts.ts'
import { History } from './history.ts'
import { addLetterRoutes } from './letter-routes.ts'
import { LiveReader } from './live-reader.ts'
import { addOperatorRoutes } from './operator-routes.ts'
import { planView } from './plan-view.ts'
import { Ticker } from './ticker.ts'

/**
 * The API of one application, without a guard: whoever serves it decides who may ask. `docs/console.md` has
 * the routes.
 */
export function consoleApp(application: ConsoleApplication, parts: ConsoleParts): Hono {
  const { streams, plan } = application
  const { clock, logger, stop } = parts
  const app = new Hono()
  const routes = new ApiRoutes(app, logger)
  const history = new History(streams, clock)
  const reader = new LiveReader({ streams, plan, history, ...parts })
  const live = new Ticker({
    event: 'live',
    read: () => reader.read(),
    onListened: isListenedTo => reader.listened(isListenedTo),
    clock,
    logger,
    stop,
  })
  const audits = new AuditReader({ audits: application.audits, ...parts })
  const auditsLive = new Ticker({
    event: 'audits',
    read: async () => ({ audits: audits.look() }),
    clock,
    logger,
    stop,
  })
  const planned = planView(plan)
  routes.get('/plan', () => planned)
  routes.get('/live', () => live.listen())
  routes.get('/history', () => history.view)
  routes.get('/audits', () => ({ audits: audits.look() }))
  routes.get('/audits/live', () => auditsLive.listen())
  addLetterRoutes(routes, application)
  addOperatorRoutes(routes, application)
  const stores = openHttpApp(streams, { token: false, clock, logger }, stop)
  for (const path of ['/stores', '/stores/*', '/metrics', '/health/*'])
    app.get(path, c => stores.fetch(c.req.raw))
  return app
}
