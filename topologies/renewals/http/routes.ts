import type { Context, Hono } from 'hono'
import type { KafkaStreams, Logger } from 'millrace'
import { createJsonApp } from '../../web/json-app.ts'
import { limitBody } from '../../web/limit-body.ts'
import { addPageFiles } from '../../web/page-files.ts'
import { RequestError } from '../../web/request-error.ts'
import type { Board } from '../board.ts'
import type { Provider } from '../provider.ts'
import { CARDS, CHARGE, MODES, SCHEDULE, type Renewal } from '../records.ts'

const BODY_BYTES_MAX = 64 * 1024

export interface RouteParts {
  readonly streams: KafkaStreams
  readonly provider: Provider
  readonly board: Board
  readonly logger: Logger
}

/** The HTTP side: the page, its buttons, and the provider. */
export function createApp(parts: RouteParts): Hono {
  const app = createJsonApp(parts.logger)
  addPageFiles(app, new URL('../page/', import.meta.url))
  app.get('/healthz', c => {
    const { state } = parts.streams
    return c.json({ ready: state === 'running', state }, state === 'running' ? 200 : 503)
  })
  app.get('/state', async c => c.json(await parts.board.state()))
  addProvider(app, parts)
  addSwitches(app, parts)
  addLetters(app, parts)
  addControl(app, parts)
  return app
}

/** What the topology calls. */
function addProvider(app: Hono, { provider }: RouteParts): void {
  app.post('/provider/charges/:customer', limitBody(BODY_BYTES_MAX), async c => {
    const key = c.req.header('idempotency-key')
    if (!key) throw new RequestError(400, 'KEY_MISSING', 'a charge needs the header Idempotency-Key')
    const renewal = await bodyOf<Renewal>(c)
    return c.json(await provider.charge(c.req.param('customer'), renewal, key))
  })
}

function addSwitches(app: Hono, { provider }: RouteParts): void {
  app.put('/provider', limitBody(BODY_BYTES_MAX), async c => {
    await provider.setMode(await oneOf(c, MODES))
    return c.body(null, 204)
  })
  app.put('/customers/:id/card', limitBody(BODY_BYTES_MAX), async c => {
    await provider.setCard(c.req.param('id'), await oneOf(c, CARDS))
    return c.body(null, 204)
  })
}

interface LetterRequest {
  readonly ids?: readonly string[]
}

function addLetters(app: Hono, { streams, board }: RouteParts): void {
  for (const action of ['replay', 'purge'] as const) {
    app.post(`/letters/${action}`, limitBody(BODY_BYTES_MAX), async c => {
      const { ids } = await bodyOf<LetterRequest>(c)
      const { letters } = await streams.deadLetters()[action]({ operator: CHARGE, ids })
      board.lettersChanged()
      return c.json({ letters: letters.length })
    })
  }
}

function addControl(app: Hono, { streams, board }: RouteParts): void {
  const reason = 'by the page'
  for (const action of ['pause', 'resume'] as const) {
    app.post(`/customers/:id/${action}`, async c => {
      await streams.control()[action]({ operator: CHARGE, key: c.req.param('id') }, { reason })
      return c.body(null, 204)
    })
  }
  app.post('/renewals/:id/skip', async c => {
    await streams.control().skip({ operator: CHARGE, letter: c.req.param('id') }, { reason })
    board.lettersChanged()
    return c.body(null, 204)
  })
  for (const action of ['pause', 'resume', 'trigger'] as const) {
    app.post(`/schedule/${action}`, async c => {
      await streams.schedules()[action](SCHEDULE)
      return c.body(null, 204)
    })
  }
}

async function bodyOf<T>(c: Context): Promise<T> {
  const body: unknown = await c.req.json().catch(() => undefined)
  if (typeof body === 'object' && body !== null) return body as T
  throw new RequestError(400, 'INVALID_BODY', 'the body must be a JSON object')
}

async function oneOf<W extends string>(c: Context, words: readonly W[]): Promise<W> {
  const { is } = await bodyOf<{ readonly is: W }>(c)
  if (words.includes(is)) return is
  throw new RequestError(400, 'INVALID_CHOICE', `it must be one of ${words.join(', ')}`)
}
