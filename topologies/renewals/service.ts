import type { Context } from 'hono'
import { continueOnError, openKeyValueStore } from 'millrace'
import type { KafkaStreams, RunningService, ServiceContext } from 'millrace'
import { liveHub } from 'millrace/push'
import { Closing } from '../web/closing.ts'
import { createJsonApp } from '../web/json-app.ts'
import { limitBody } from '../web/limit-body.ts'
import { addPageFiles } from '../web/page-files.ts'
import { RequestError } from '../web/request-error.ts'
import { serveApp } from '../web/serve-app.ts'
import { setProvider } from './charge.ts'
import { Provider } from './provider.ts'
import { CARDS, MODES, type Behaviour, type Charge, type Renewal, type Subscription } from './records.ts'
import { ChargeCount, customersOf, type State } from './state.ts'
import { TOPICS } from './topics.ts'

const BODY_BYTES_MAX = 64 * 1024
const NAMES = 'Ada Bea Cem Dov Eve Fay Gus Hal Ida Jan Kim Lou'.split(' ')
const PLANS = [
  { plan: 'yoga, monthly', cents: 4_500 },
  { plan: 'site, basic', cents: 1_700 },
  { plan: 'shop, yearly', cents: 32_400 },
] as const

/** The page, and the payment provider, which is another company's in real life. */
export async function service(
  streams: KafkaStreams,
  context: ServiceContext,
): Promise<RunningService & { readonly url: string }> {
  const closing = new Closing()
  return closing.opening(async () => {
    const { broker, clock, logger } = context
    const options = { broker, clock, logger, deserializationErrorHandler: continueOnError }
    const open = async <V>(topic: string) => closing.use(await openKeyValueStore<string, V>(topic, options))
    const subscriptions = await open<Subscription>(TOPICS.subscriptions)
    const charges = await open<Charge>(TOPICS.charges)
    const switches = await open<Behaviour>(TOPICS.provider)
    if (subscriptions.size === 0) await Promise.all(rows().map(row => subscriptions.put(...row)))
    const provider = new Provider({ charges, switches, clock })
    const counts = new ChargeCount(charges)
    const hub = liveHub({ clock, logger })
    charges.changes.subscribe(() => hub.publish('state', 'changed'))
    switches.changes.subscribe(() => hub.publish('state', 'changed'))

    const app = createJsonApp(logger)
    addPageFiles(app, new URL('page/', import.meta.url))
    app.use(limitBody(BODY_BYTES_MAX))
    app.get('/state', c => {
      const { mode } = provider
      const customers = customersOf(subscriptions, { streams, provider, counts })
      return c.json({ nowMs: clock.nowMs(), mode, charges: charges.size, customers } satisfies State)
    })
    app.put('/provider', async c => {
      await switches.put('mode', { is: await oneOf(c, MODES) })
      return c.body(null, 204)
    })
    app.put('/customers/:id/card', async c => {
      await switches.put(`card/${c.req.param('id')}`, { is: await oneOf(c, CARDS) })
      return c.body(null, 204)
    })
    app.post('/provider/charges/:customer', async c => {
      const key = c.req.header('idempotency-key')
      if (!key) throw new RequestError(400, 'KEY_MISSING', 'a charge needs the header Idempotency-Key')
      return c.json(await provider.charge(c.req.param('customer'), await bodyOf<Renewal>(c), key))
    })
    const url = await serveApp(app, { context, hub, closing })
    setProvider(request => app.fetch(request))
    closing.add(() => setProvider(undefined))
    logger.log('info', `renewals on ${url}`)
    return { url, [Symbol.asyncDispose]: () => closing[Symbol.asyncDispose]() }
  })
}

/** Twelve customers, where there are none. */
function rows(): (readonly [string, Subscription])[] {
  return NAMES.map((name, at) => [
    `u${String(at + 1).padStart(2, '0')}`,
    { name, ...PLANS[at % PLANS.length]! },
  ])
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
