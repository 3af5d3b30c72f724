import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import type { KafkaStreams, RunningService, ServiceContext, TopicHandle } from 'millrace'
import { httpApp } from 'millrace/http'
import type { Click } from './topology.ts'

/**
 * Who may read the state at /api: without either, only this machine. HTTP_TOKEN: who sends it as a bearer token; HTTP_OPEN=1:
 * everybody who reaches the port, as the page below needs it in a container.
 */
const { HTTP_TOKEN, HTTP_OPEN } = process.env
const token = HTTP_TOKEN || (HTTP_OPEN === '1' ? false : undefined)

/** The page at /, clicks at /clicks, state and changes at /api. */
export function routes(streams: KafkaStreams, clicks: Pick<TopicHandle<string, Click>, 'send'>): Hono {
  const app = new Hono()
  app.get('/', async context => context.html(await readFile(new URL('page.html', import.meta.url), 'utf8')))
  app.post('/clicks/:button', bodyLimit({ maxSize: 1_000 }), async context => {
    // Pages of other sites can send a request here, but not with this header.
    if (context.req.header('x-click') === undefined) return context.json({ error: 'no header x-click' }, 403)
    await clicks.send(null, { button: context.req.param('button') })
    return context.body(null, 204)
  })
  return app.route('/api', httpApp(streams, { token }))
}

export async function startServer(
  streams: KafkaStreams,
  clicks: Pick<TopicHandle<string, Click>, 'send'>,
  { host, port, logger }: Pick<ServiceContext, 'host' | 'port' | 'logger'>,
): Promise<RunningService> {
  const server = createAdaptorServer({ fetch: routes(streams, clicks).fetch }) as Server
  server.listen(port, host)
  await once(server, 'listening')
  const url = `http://${host}:${(server.address() as AddressInfo).port}`
  logger.log('info', `listening on ${url}`)
  return {
    url,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      // Event streams would stay open for ever.
      server.closeAllConnections()
      await closed
    },
  }
}
