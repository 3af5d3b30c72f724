import { readFileSync } from 'node:fs'
import type { HttpBindings } from '@hono/node-server'
import { Hono, type Context } from 'hono'
import { BrokerError, StreamsError, type KafkaStreams, type Logger } from 'millrace'
import { normalizeEmail } from '../email-address.ts'
import { RequestError } from './request-error.ts'
import { numberOrThrow } from './request-values.ts'
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
  const app = new Hono<Bindings>()
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
  app.notFound(c => answer(c, new RequestError(404, 'NOT_FOUND', `there is nothing at ${c.req.path}`)))
  app.onError((error, c) => answer(c, requestErrorFrom(error, logger)))
  return app
}

const PAGE_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-cache',
  'x-content-type-options': 'nosniff',
  'content-security-policy':
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src data:; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
}
const SAMPLE_HEADERS = {
  'content-type': 'text/csv; charset=utf-8',
  'content-disposition': 'attachment; filename="sample.csv"',
}

function answer(c: Context, { status, code, message }: RequestError): Response {
  return c.json({ error: { code, message } }, status)
}

/** What is not the sender's fault is told in the log, and to the sender without details. */
function requestErrorFrom(error: Error, logger: Logger): RequestError {
  if (error instanceof RequestError) return error
  logger.log('error', `a request failed: ${error.message}`, { error })
  if (error instanceof BrokerError || error instanceof StreamsError) {
    return new RequestError(503, 'NOT_AVAILABLE', 'not available at the moment: try again soon')
  }
  return new RequestError(500, 'INTERNAL', 'something went wrong here: the log has it')
}
