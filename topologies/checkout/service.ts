import { randomUUID } from 'node:crypto'
import { serdes, type KafkaStreams, type RunningService, type ServiceContext } from 'millrace'
import { liveHub } from 'millrace/push'
import { Closing } from '../web/closing.ts'
import { createJsonApp } from '../web/json-app.ts'
import { addPageFiles } from '../web/page-files.ts'
import { RequestError } from '../web/request-error.ts'
import { serveApp } from '../web/serve-app.ts'
import { OrderBoard } from './order-board.ts'
import type { Purchase, Stock, StockChange } from './records.ts'
import { TOPICS } from './topics.ts'

const ARTICLES = { mat: 2_900, block: 1_250, strap: 990, towel: 1_900, tea: 450 } as const
const SKUS = Object.keys(ARTICLES) as (keyof typeof ARTICLES)[]
const NAMES = 'Ada Bea Cem Dov Eve Fay Gus Hal Ida Jan'.split(' ')
const PIECES = 1_000
const ORDERS_MAX = 10_000
const json = <V>() => ({ keySerde: serdes.string(), valueSerde: serdes.json<V>() })

/** The page, and the payments, which are another service in real life. */
export async function service(
  streams: KafkaStreams,
  context: ServiceContext,
): Promise<RunningService & { readonly url: string }> {
  const closing = new Closing()
  return closing.opening(async () => {
    const { broker, clock, logger } = context
    const purchases = broker.topic(TOPICS.purchases, json<Purchase>())
    const restocks = broker.topic(TOPICS.restocks, json<StockChange>())
    const stock = streams.store<string, Stock>('stock')
    const hub = liveHub({ clock, logger })
    const failed = (error: unknown) => logger.log('error', 'the board of orders stands still', { error })
    const board = closing.use(new OrderBoard(broker, () => hub.publish('state', 'changed'), failed))
    const changes = streams.changes('stock').subscribe(() => hub.publish('state', 'changed'))
    closing.add(() => changes.unsubscribe())
    let last: readonly [orderId: string, purchase: Purchase] | undefined

    const app = createJsonApp(logger)
    addPageFiles(app, new URL('page/', import.meta.url))
    app.get('/state', async c => {
      const rows = []
      for await (const [sku, row] of stock.all()) rows.push({ sku, ...row })
      return c.json({ ...board.state, stock: rows })
    })
    app.post('/purchases', async c => {
      const count = Number(c.req.query('count') ?? 1)
      if (!(Number.isSafeInteger(count) && count >= 1 && count <= ORDERS_MAX))
        throw new RequestError(400, 'INVALID_COUNT', `count must be a whole number from 1 to ${ORDERS_MAX}`)
      const made = Array.from({ length: count }, () => purchaseOf())
      last = made.at(-1)
      await purchases.sendAll(made.map(([key, value]) => ({ key, value })))
      return c.json({ purchases: count }, 202)
    })
    app.post('/purchases/again', async c => {
      if (!last) throw new RequestError(409, 'NOTHING_BOUGHT', 'nothing was bought yet: buy something first')
      await purchases.send(...last)
      return c.json({ orderId: last[0] }, 202)
    })
    app.post('/restocks', async c => {
      await restocks.sendAll(SKUS.map(key => ({ key, value: { pieces: PIECES } })))
      return c.json({ pieces: PIECES }, 202)
    })
    const url = await serveApp(app, { context, hub, closing })
    logger.log('info', `checkout on ${url}`)
    return { url, [Symbol.asyncDispose]: () => closing[Symbol.asyncDispose]() }
  })
}

function purchaseOf(): readonly [orderId: string, purchase: Purchase] {
  const one = <T>(list: readonly T[]) => list[Math.floor(Math.random() * list.length)]!
  const items = Array.from({ length: 1 + Math.floor(Math.random() * 3) }, () => {
    const sku = one(SKUS)
    return { sku, quantity: 1 + Math.floor(Math.random() * 2), cents: ARTICLES[sku] }
  })
  return [randomUUID().slice(0, 8), { purchaseId: randomUUID(), customer: one(NAMES), items }]
}
