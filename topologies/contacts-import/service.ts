import { randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import type { HttpBindings } from '@hono/node-server'
import { serdes, type KafkaStreams, type ReadOnlyKeyValueStore, type ServiceContext } from 'millrace'
import { httpApp } from 'millrace/http'
import { pushHub } from 'millrace/push'
import { Closing } from '../web/closing.ts'
import { createJsonApp } from '../web/json-app.ts'
import { addPageFiles } from '../web/page-files.ts'
import { RequestError } from '../web/request-error.ts'
import { serveApp } from '../web/serve-app.ts'
import { failureKey, importIdOf } from './keep-failures.ts'
import type { RowFailure, UploadRecord } from './records.ts'
import { takeUpload } from './take-upload.ts'
import { TOPICS } from './topics.ts'

const UPLOADS_MAX = 16
const ROW_MAX = 9_999_999
const FAILURES_HEADERS = {
  'content-type': 'text/csv; charset=utf-8',
  'content-disposition': 'attachment; filename="failed-rows.csv"',
}

/** The running service; `url` says where. */
export interface ContactsService extends AsyncDisposable {
  readonly url: string
}

const DEMO_SECRET = 'for demonstrations only'

/**
 * The HTTP side: uploads, the channels of imports, reads, the page. Every process must have the same
 * `PUSH_SECRET`, which signs the tokens of channels.
 */
export async function service(streams: KafkaStreams, context: ServiceContext): Promise<ContactsService> {
  const closing = new Closing()
  return closing.opening(async () => {
    const { broker, clock, logger } = context
    const secret = process.env['PUSH_SECRET']
    if (secret === undefined)
      logger.log('info', 'tokens are signed with a secret that everybody knows: set PUSH_SECRET')
    const hub = pushHub(streams, { name: 'push', secret: secret ?? DEMO_SECRET, clock, logger })
    const uploads = broker.topic<string, UploadRecord>(TOPICS.uploads, {
      ...{ keySerde: serdes.string(), valueSerde: serdes.json<UploadRecord>() },
    })
    const failures = streams.store<string, RowFailure>('failures')
    let underWay = 0

    const app = createJsonApp<{ Bindings: HttpBindings }>(logger)
    addPageFiles(app, new URL('page/', import.meta.url))
    app.get('/push/events', c => hub.fetch(c.req.raw))
    app.post('/imports', async c => {
      if (underWay >= UPLOADS_MAX) {
        const message = `${UPLOADS_MAX} uploads are under way: try again soon`
        throw new RequestError(503, 'TOO_MANY_UPLOADS', message)
      }
      const importId = importIdOf(clock.nowMs(), randomUUID())
      underWay += 1
      try {
        const total = await takeUpload(c.env.incoming, importId, uploads)
        return c.json({ importId, total, token: hub.channelToken(importId) }, 202)
      } finally {
        underWay -= 1
      }
    })
    app.get('/imports/:importId/failures.csv', c => {
      const lines = Readable.from(failureLines(failures, c.req.param('importId')))
      return c.body(Readable.toWeb(lines) as ReadableStream, 200, FAILURES_HEADERS)
    })
    const stores = { imports: {}, contacts: {}, failures: {} }
    app.route('/', httpApp(streams, { stores, token: false, clock, logger }))
    const url = await serveApp(app, { context, hub, closing })
    logger.log('info', `contacts import on ${url}`)
    return { url, [Symbol.asyncDispose]: () => closing[Symbol.asyncDispose]() }
  })
}

/** As an upload takes them, when they have been corrected. */
async function* failureLines(
  failures: ReadOnlyKeyValueStore<string, RowFailure>,
  importId: string,
): AsyncGenerator<string> {
  yield 'email,name,phone,company,row,reason\r\n'
  for await (const [, failure] of failures.range(failureKey(importId, 0), failureKey(importId, ROW_MAX))) {
    const { fields, row, reason } = failure
    yield `${[...fields, String(row), reason].map(quoted).join(',')}\r\n`
  }
}

function quoted(field: string): string {
  return /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field
}
