import { readFileSync } from 'node:fs'
import type { HttpBindings } from '@hono/node-server'
import type { Hono } from 'hono'
import type { KafkaStreams, Logger } from 'millrace'
import { normalizeEmail } from '../email-address.ts'
import { createJsonApp } from '../../web/json-app.ts'
import { numberOrThrow } from '../../web/number-value.ts'
import type { Tables } from './tables.ts'
import type { UploadRoute } from './upload-route.ts'

type Bindings = { Bindings: HttpBindings }

const LIMIT = { fallback: 50, least: 1, most: 500 }
const ROW = { fallback: 0, least: 0, most: 1_000_000 }
const page = readFileSync(new URL('../page/index.html', import.meta.url))
const sample = readFileSync(new URL('../page/sample.csv', import.meta.url))

export interface AppParts {
  readonly streams: KafkaStreams
  readonly uploads: UploadRoute
  readonly tables: Tables
  readonly logger: Logger
}

/** The HTTP side: routes and what they answer. Everything is JSON but the page and the sample. */
export function createApp({ streams, uploads, tables, logger }: AppParts): Hono<Bindings> {
  const app = createJsonApp<Bindings>(logger)
  app.get('/', c => c.body(page, 200, PAGE_HEADERS))
  app.get('/sample.csv', c => c.body(sample, 200, SAMPLE_HEADERS))
  app.get('/healthz', c => c.json({ state: streams.state }, streams.state === 'running' ? 200 : 503))
  app.post('/imports', async c => {
    const { channel, fileName } = c.req.query()
    const importId = await uploads.accept({ incoming: c.env.incoming, channel, fileName })
    return c.json({ importId }, 202, { location: `/imports/${importId}` })
  })
  app.get('/imports/:importId', c => c.json(tables.importOf(c.req.param('importId'))))
  app.get('/imports/:importId/failures', async c => {
    const after = numberOrThrow('after', c.req.query('after'), ROW)
    const limit = numberOrThrow('limit', c.req.query('limit'), LIMIT)
    const { items, next } = await tables.failures(c.req.param('importId'), after, limit)
    return c.json({ failures: items, next: next?.row })
  })
  app.get('/contacts', async c => {
    const { prefix = '', after = '' } = c.req.query()
    const limit = numberOrThrow('limit', c.req.query('limit'), LIMIT)
    const { items, next } = await tables.contacts(normalizeEmail(prefix), normalizeEmail(after), limit)
    return c.json({ contacts: items, next: next?.email })
  })
  app.get('/contacts/:email', c => c.json(tables.contactOf(normalizeEmail(c.req.param('email')))))
  return app
}

const PAGE_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-cache',
  'x-content-type-options': 'nosniff',
  'content-security-policy':
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src data:; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
}
const SAMPLE_HEADERS = {
  'content-type': 'text/csv; charset=utf-8',
  'content-disposition': 'attachment; filename="sample.csv"',
}
