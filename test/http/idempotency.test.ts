import { Hono } from 'hono'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openEmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import {
  idempotency,
  type IdempotencyOptions,
  type IdempotencyVariables,
  type IdempotentAnswer,
} from '../../lib/http.ts'
import {
  openKeyValueStore,
  startKeyValueStore,
  systemClock,
  type Clock,
  type TopicStore,
} from '../../lib/index.ts'
import { eventually } from '../support/eventually.ts'
import { createTopics } from '../support/topics.ts'

type Work = (body: string, id: string | undefined) => Promise<Response> | Response

async function stage(work: Work, options: Partial<IdempotencyOptions> = {}) {
  const broker = await openEmbeddedBroker()
  onTestFinished(() => broker.close())
  await createTopics(broker, { answers: 2 }, ['answers'])
  let nowMs = systemClock.nowMs()
  const clock: Clock = Object.assign(Object.create(systemClock) as Clock, { nowMs: () => nowMs })
  const runs: string[] = []
  /** A process. */
  const serve = async () => {
    const store = await openKeyValueStore<string, IdempotentAnswer>('answers', {
      ...{ broker, logger: silentLogger, writes: 'single-writer' },
    })
    onTestFinished(() => store.close())
    return { store, ask: askOf(store) }
  }
  const askOf = (store: TopicStore<string, IdempotentAnswer>) => {
    const app = new Hono<{ Variables: IdempotencyVariables }>()
    app.onError((_error, c) => c.text('failed', 500))
    app.use('*', idempotency({ store, clock, logger: silentLogger, ...options }))
    app.all('/orders', async c => {
      const body = await c.req.text()
      runs.push(body)
      return work(body, c.get('idempotencyKey'))
    })
    return async (
      key: string | undefined,
      body: string,
      { path = '/orders', method = 'POST' }: { readonly path?: string; readonly method?: string } = {},
    ) => {
      const headers = { 'content-type': 'text/plain', ...(key !== undefined && { 'idempotency-key': key }) }
      const response = await app.request(path, { method, headers, ...(method !== 'GET' && { body }) })
      return { status: response.status, headers: response.headers, text: await response.text() }
    }
  }
  return { broker, runs, serve, askOf, pass: (ms: number) => void (nowMs += ms) }
}

describe('idempotency keys', () => {
  it('carry a request out once, and answer each time as the first, on every process', async () => {
    let n = 0
    const { runs, serve } = await stage(body => {
      n += 1
      return new Response(`${body} ${n}`, {
        status: 201,
        headers: { location: `/orders/${n}`, 'set-cookie': 'a=b' },
      })
    })
    const [first, second] = [await serve(), await serve()]
    const one = await first.ask('k', 'tea')
    expect(one).toMatchObject({ status: 201, text: 'tea 1' })
    await eventually(() => second.store.get('/k')?.status === 201)
    for (const { ask } of [first, second]) {
      const again = await ask('k', 'tea')
      expect(again).toMatchObject({ status: 201, text: 'tea 1' })
      expect(again.headers.get('location')).toBe('/orders/1')
      expect(again.headers.get('idempotency-replayed')).toBe('true')
      expect(again.headers.get('set-cookie')).toBe(null)
    }
    expect(await first.ask('"k"', 'tea')).toMatchObject({ text: 'tea 1' })
    expect(runs).toEqual(['tea'])
  })

  it('refuse another request under the same key', async () => {
    const { runs, serve } = await stage(() => new Response('ok'))
    const { ask } = await serve()
    await ask('k', 'tea')
    for (const answer of [
      await ask('k', 'coffee'),
      await ask('k', 'tea', { path: '/orders?twice' }),
      await ask('k', 'tea', { method: 'PUT' }),
    ])
      expect([answer.status, JSON.parse(answer.text)]).toMatchObject([
        422,
        { error: { code: 'IDEMPOTENCY_KEY_REUSED' } },
      ])
    expect(runs).toEqual(['tea'])
  })

  it('let one of those run that come at once, on any process; the others wait for its answer', async () => {
    let finish: () => void = () => undefined
    const finished = new Promise<void>(resolve => (finish = resolve))
    const { runs, serve } = await stage(async body => {
      await finished
      return new Response(body)
    })
    const processes = [await serve(), await serve()]
    const answers = Promise.all(
      processes.flatMap(({ ask }) => [ask('k', 'tea'), ask('k', 'tea'), ask('k', 'tea')]),
    )
    await eventually(() => runs.length > 0)
    finish()
    expect((await answers).map(({ status, text }) => [status, text])).toEqual(
      Array.from({ length: 6 }, () => [200, 'tea']),
    )
    expect(runs).toEqual(['tea'])
  })

  it('answer 409 while the first is under way, and let another run when its process has gone', async () => {
    let isStuck = true
    const { runs, serve, pass } = await stage(
      body => (isStuck ? new Promise<Response>(() => undefined) : new Response(body)),
      { waitMs: 0, runMsMax: 1_000 },
    )
    const { ask } = await serve()
    void ask('k', 'tea')
    await eventually(() => runs.length === 1)
    const busy = await ask('k', 'tea')
    expect([busy.status, busy.headers.get('retry-after')]).toEqual([409, '1'])
    pass(1_001)
    isStuck = false
    expect(await ask('k', 'tea')).toMatchObject({ status: 200, text: 'tea' })
    expect(runs).toEqual(['tea', 'tea'])
  })

  it('free the key where the handler fails', async () => {
    let failures = 2
    const { serve } = await stage(body => {
      failures -= 1
      if (failures === 1) throw new Error('no')
      return new Response(body, { status: failures === 0 ? 503 : 200 })
    })
    const { ask } = await serve()
    const statuses = []
    for (let n = 0; n < 4; n += 1) statuses.push((await ask('k', 'tea')).status)
    expect(statuses).toEqual([500, 503, 200, 200])
    expect(failures).toBe(-1)
  })

  it('forget after the time, and remove what has expired', async () => {
    const { runs, serve, pass } = await stage(body => new Response(body), { ttlMs: 5_000 })
    const { ask, store } = await serve()
    for (let n = 0; n < 10; n += 1) await ask(`k${n}`, 'tea')
    expect(store.size).toBe(10)
    pass(5_001)
    await ask('k1', 'coffee')
    expect(runs.length).toBe(11)
    await eventually(() => store.size === 1)
  })

  it('are of one scope, have a length, and may be required', async () => {
    const { runs, serve, askOf } = await stage((body, id) => new Response(`${body} ${id}`), {
      isRequired: true,
      scope: c => c.req.query('user') ?? '',
    })
    const { ask, store } = await serve()
    expect(await ask('k', 'tea', { path: '/orders?user=ada' })).toMatchObject({ text: 'tea ada/k' })
    expect(await ask('k', 'tea', { path: '/orders?user=bob' })).toMatchObject({ text: 'tea bob/k' })
    for (const key of [undefined, '', 'k'.repeat(256)])
      expect([key, (await ask(key, 'tea')).status]).toEqual([key, 400])
    expect((await ask(undefined, '', { method: 'GET' })).status).toBe(200)
    expect(runs.length).toBe(3)
    expect(() => idempotency({ store, ttlMs: 0 })).toThrow('ttlMs is 0')
    await store.close()
    expect((await askOf(store)('k', 'tea')).status).toBe(503)
  })

  it('tell that an answer was too large to be kept, and run nothing twice', async () => {
    const { runs, serve } = await stage(() => new Response('x'.repeat(101)), { answerBytesMax: 100 })
    const { ask } = await serve()
    expect((await ask('k', 'tea')).text.length).toBe(101)
    const again = await ask('k', 'tea')
    expect([again.status, JSON.parse(again.text)]).toMatchObject([
      409,
      { error: { code: 'ANSWER_NOT_KEPT' } },
    ])
    expect(runs.length).toBe(1)
  })

  it('answer 503 until the store is ready', async () => {
    const { runs, broker, askOf } = await stage(() => new Response('ok'))
    const store = startKeyValueStore<string, IdempotentAnswer>('answers', {
      ...{ broker, logger: silentLogger, writes: 'single-writer' },
    })
    onTestFinished(() => store.close())
    expect((await askOf(store)('k', 'tea')).status).toBe(503)
    await store.ready
    expect((await askOf(store)('k', 'tea')).status).toBe(200)
    expect(runs.length).toBe(1)
  })
})
