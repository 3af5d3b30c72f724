import { describe, expect, it } from 'vitest'
import {
  NonRetriableError,
  serdes,
  StreamsBuilder,
  fixedBackoff,
  timeWindows,
  unlimitedWindows,
} from '../../lib/index.ts'
import { systemClock, type Clock } from '../../lib/common/clock.ts'
import { eventually } from '../support/eventually.ts'
import { produce, readAll } from '../support/topics.ts'
import { events, openConsole } from './console-fixture.ts'

const TEXT = { keySerde: serdes.string(), valueSerde: serdes.string() }
const TOPICS = { orders: 2, shipments: 2 }

/** Counts orders, and ships them; one for `bad` is hopeless. */
function topology() {
  const builder = new StreamsBuilder()
  const orders = builder.stream<string, string>('orders', { ...TEXT, name: 'orders-in' })
  orders.groupByKey().count({ storeName: 'order-counts' })
  orders
    .mapValuesAsync(
      async value => {
        if (value === 'bad') throw new NonRetriableError('nobody ships that')
        return `shipped ${value}`
      },
      {
        name: 'ship',
        pendingStore: { storeName: 'parked' },
        retry: { backoff: fixedBackoff({ delayMs: 60_000 }), attempts: 3 },
      },
    )
    .to('shipments', { ...TEXT, name: 'shipments-out' })
  return builder.build()
}

const TICK_MS = 1_000

/** A clock that knows which of its waits of a second go on. */
function countedTicks() {
  const ticks = new Set<object>()
  const clock: Clock = {
    ...systemClock,
    schedule: (delayMs, callback, options) => {
      const tick = {}
      if (delayMs === TICK_MS) ticks.add(tick)
      const timer = systemClock.schedule(
        delayMs,
        () => {
          ticks.delete(tick)
          callback()
        },
        options,
      )
      return {
        cancel: () => {
          ticks.delete(tick)
          timer.cancel()
        },
      }
    },
  }
  return { ticks, clock }
}

const open = () => openConsole(topology(), TOPICS)
const APP = '/api/apps/shop'

interface Letters {
  readonly letters: readonly { readonly id: string; readonly state: string; readonly value: unknown }[]
  readonly total: number
}

describe('the API of an application', () => {
  it('tells its plan with parents and flags, its stores, and what is not there', async () => {
    const { get } = await open()
    const { body } = await get<{ subtopologies: { nodes: { name: string }[] }[] }>(`${APP}/plan`)
    const nodes = body.subtopologies.flatMap(each => each.nodes)
    expect(nodes.find(({ name }) => name === 'ship')).toMatchObject({ async: true, retry: true })
    expect(nodes.find(({ name }) => name === 'shipments-out')).toMatchObject({ parents: ['ship'] })
    expect((await get(`${APP}/stores`)).body).toMatchObject({ stores: [{ name: 'order-counts' }] })
    expect((await get('/api/apps/other/plan')).status).toBe(404)
    expect((await get(`${APP}/nothing`)).body).toMatchObject({ error: { code: 'NOT_FOUND' } })
    expect((await get(`${APP}/schedules`)).body).toEqual({ schedules: [] })
  })

  it('tells live what nodes, topics, tasks and commits do, to several with one reading each second', async () => {
    const { ticks, clock } = countedTicks()
    const { broker, streams, socketPath, get } = await openConsole(topology(), TOPICS, { clock })
    await produce(broker, 'orders', 2, [
      ['ada', 'tea'],
      ['bob', 'milk'],
    ])
    await eventually(async () => (await readAll(broker, 'shipments')).length === 2)
    let asked = 0
    const { metrics } = streams
    const samples = metrics.samples.bind(metrics)
    metrics.samples = () => {
      asked += 1
      return samples()
    }
    const [live] = await Promise.all([
      events<{ readonly stores: readonly object[] }>(socketPath, `${APP}/live`, 'live', 2),
      events(socketPath, `${APP}/live`, 'live', 2),
    ])
    expect(live[1]).toMatchObject({
      state: 'running',
      error: null,
      nodes: { 'orders-in': { processTotal: 2 }, 'shipments-out': { processTotal: 2 } },
      topics: { orders: { lag: 0 } },
      tasks: expect.arrayContaining(
        ['0_0', '0_1'].map(
          id => expect.objectContaining({ id, state: 'running', lag: 0, restore: null }) as unknown,
        ),
      ) as unknown,
      waiting: { parked: 0, retrying: 0 },
    })
    expect(live[1]?.stores).toContainEqual(
      expect.objectContaining({ name: 'order-counts', keys: 2, partitions: [0, 1] }),
    )
    // Nobody listens any more: nothing is read.
    await eventually(() => ticks.size === 0)
    expect(asked).toBeLessThanOrEqual(4)
    expect((await get(`${APP}/history`)).body).toMatchObject({
      rebalances: [{ kind: 'assigned', tasks: expect.arrayContaining(['0_0', '0_1']) as unknown }],
    })
  })

  it('tells until when a window is open, with its grace, and which input holds stream time back', async () => {
    const builder = new StreamsBuilder()
    const late = builder.stream<string, string>('late', TEXT)
    const windows = timeWindows({ sizeMs: 60_000, graceMs: 5_000 })
    builder
      .stream<string, string>('orders', TEXT)
      .merge(late)
      .groupByKey(TEXT)
      .windowedBy(windows)
      .count({ storeName: 'per-minute' })
    builder.stream<string, string>('shipments', TEXT).groupByKey(TEXT).windowedBy(unlimitedWindows()).count()
    const { broker, socketPath } = await openConsole(builder.build(), { orders: 1, late: 1, shipments: 1 })
    await produce(broker, 'orders', 1, [['ada', 'tea', 90_000]])
    await produce(broker, 'late', 1, [['ada', 'tea', 30_000]])
    await produce(broker, 'shipments', 1, [['ada', 'tea', 90_000]])
    interface Live {
      readonly tasks: readonly { readonly streamTimeMs: number | null; readonly windows: readonly object[] }[]
    }
    const tasks = await eventually(async () => {
      const [live] = await events<Live>(socketPath, `${APP}/live`, 'live', 1)
      return live?.tasks.length === 2 && live.tasks.every(task => task.streamTimeMs === 90_000) && live.tasks
    })
    expect(tasks.flatMap(task => task.windows)).toEqual([
      {
        store: 'per-minute',
        openUntilMs: 125_000,
        why:
          'stream time is 1970-01-01T00:01:30.000Z; the window is open until a record from 1970-01-01T00:02:05.000Z or later is ' +
          'processed, its grace period of 5000 ms included. late-0 holds it back: its last time is 1970-01-01T00:00:30.000Z, and none waits',
      },
    ])
  })

  it('lists a dead letter, has it corrected once, and shows what was done', async () => {
    const { broker, send, get } = await open()
    await produce(broker, 'orders', 2, [['ada', 'bad']])
    const listed = await eventually(async () => {
      const { body } = await get<Letters>(`${APP}/letters?operator=ship`)
      return body.total === 1 && body
    })
    const [letter] = listed.letters
    expect(letter).toMatchObject({ state: 'dead', key: 'ada', value: 'bad', reason: 'non-retriable' })
    const exported = await get<string>(`${APP}/letters/export`)
    expect(JSON.parse(exported.body)).toMatchObject({ id: letter!.id })
    const correction = { operator: 'ship', id: letter!.id, value: 'good' }
    expect((await send('POST', `${APP}/letters/correct`, correction)).body).toMatchObject({ letters: 1 })
    await eventually(async () =>
      (await readAll(broker, 'shipments')).some(({ value }) => String(value) === 'shipped good'),
    )
    expect((await send('POST', `${APP}/letters/correct`, correction)).body).toMatchObject({
      error: { code: 'UNKNOWN_LETTER' },
    })
    const all = await get<Letters>(`${APP}/letters?all=true`)
    expect(all.body.letters).toMatchObject([{ state: 'replayed', value: 'bad' }])
    expect((await get<Letters>(`${APP}/letters`)).body.total).toBe(0)
  })

  it('pauses a key, shows what waits, and resumes it', async () => {
    const { broker, send, get } = await open()
    const target = { target: 'ship', key: 'ada', note: 'wait' }
    expect((await send('POST', `${APP}/control`, { action: 'pause', ...target })).status).toBe(200)
    await produce(broker, 'orders', 2, [['ada', 'tea']])
    await eventually(async () => {
      const { body } = await get<{ waiting: object[] }>(`${APP}/waiting`)
      expect(body.waiting).toMatchObject([{ operator: 'ship', key: 'ada', state: 'paused' }])
      return true
    })
    expect((await get(`${APP}/control`)).body).toMatchObject({
      targets: ['ship'],
      commands: [{ do: 'pause', reason: 'wait', target: { operator: 'ship', key: 'ada' } }],
    })
    await send('POST', `${APP}/control`, { action: 'resume', ...target })
    await eventually(async () => (await readAll(broker, 'shipments')).length === 1)
  })

  it.each([
    ['/letters/replay', {}, 400, 'BAD_BODY'],
    ['/letters/replay', { operator: 'shop' }, 404, 'UNKNOWN_OPERATOR'],
    ['/letters/replay', { operator: 'ship', reason: 'bored' }, 400, 'BAD_PARAMETER'],
    ['/letters/purge', { ids: [1] }, 400, 'BAD_BODY'],
    ['/letters/correct', { id: 'x' }, 400, 'BAD_BODY'],
    ['/control', { action: 'stop', target: 'ship' }, 400, 'BAD_BODY'],
    ['/control', { action: 'pause', target: 'shop' }, 404, 'UNKNOWN_OPERATOR'],
    ['/control', { action: 'skip', target: 'ship' }, 400, 'BAD_BODY'],
    ['/schedules/x/pause', {}, 404, 'NO_SCHEDULES'],
  ])('POST %s with %j is answered %i %s', async (path, body, status, code) => {
    const { send } = await open()
    expect(await send('POST', APP + path, body)).toMatchObject({ status, body: { error: { code } } })
  })
})

describe('the API of the brokers', () => {
  const BROKER = '/api/broker'

  interface Page {
    readonly records: readonly {
      readonly value: unknown
      readonly partition: number
      readonly offset: number
    }[]
    readonly next: string | null
  }

  it('tells what topics are for', async () => {
    const { get } = await open()
    const { body } = await get<{ topics: { name: string; kind: string }[] }>(`${BROKER}/topics`)
    const kinds = Object.fromEntries(body.topics.map(({ name, kind }) => [name, kind]))
    expect(kinds).toMatchObject({
      orders: 'input',
      shipments: 'output',
      'shop-order-counts-changelog': 'changelog',
      'shop-ship-dlq': 'letters',
      'shop-ship-replay': 'letters',
      'shop-control': 'control',
    })
  })

  it.each(['end', 'start'])('pages through a topic from its %s, every record once', async from => {
    const { broker, get } = await open()
    const pairs = Array.from({ length: 60 }, (_, at) => [`k${at % 7}`, `v${at}`, 1_000 + at] as const)
    await produce(broker, 'orders', 2, pairs)
    const seen: string[] = []
    for (let cursor = ''; ;) {
      const page = `${BROKER}/topics/orders/records?from=${from}&limit=7${cursor && `&cursor=${cursor}`}`
      const { body } = await get<Page>(page)
      seen.push(...body.records.map(({ value }) => String(value)))
      if (body.next === null) break
      cursor = body.next
    }
    const wanted = pairs.map(([, value]) => value)
    expect([...seen].sort()).toEqual([...wanted].sort())
    expect(seen[0]).toBe(from === 'start' ? 'v0' : 'v59')
  })

  it('filters by key and text, and says which records were aborted', async () => {
    const { broker, get } = await open()
    const writer = await broker.producer({ clientId: 'w', transactionalId: 'w' })
    await writer.initTransactions()
    for (const [value, isGood] of [
      ['{"n":1}', true],
      ['{"n":2}', false],
    ] as const) {
      await writer.begin()
      const place = { topic: 'orders', partition: 1, timestamp: 5, headers: [] }
      writer.send({ ...place, key: Buffer.from('k'), value: Buffer.from(value) })
      await writer.flush()
      await (isGood ? writer.commitTransaction() : writer.abortTransaction())
    }
    const records = `${BROKER}/topics/orders/records`
    const committed = await get<Page>(`${records}?format=json`)
    expect(committed.body.records).toMatchObject([{ value: { n: 1 }, valueFormat: 'json' }])
    const all = await get<Page>(`${records}?isolation=uncommitted&format=json`)
    expect(all.body.records).toMatchObject([{ value: { n: 2 }, aborted: true }, { value: { n: 1 } }])
    expect((await get<Page>(`${records}?contains=n%22:2&isolation=uncommitted`)).body.records).toHaveLength(1)
    expect((await get<Page>(`${records}?key=other`)).body.records).toEqual([])
    expect((await get(`${records}?limit=501`)).status).toBe(400)
    expect((await get(`${records}?cursor=x`)).status).toBe(400)
    expect((await get(`${BROKER}/topics/no-topic/records`)).body).toMatchObject({
      error: { code: 'UNKNOWN_TOPIC' },
    })
  })

  it('follows a topic, and counts what it leaves out', async () => {
    const { broker, socketPath } = await open()
    const path = `${BROKER}/topics/orders/follow`
    const first = events<{ value: string }>(socketPath, path, 'record', 2)
    const skipped = events<{ skipped: number }>(socketPath, path, 'skipped', 1)
    let isSeen = false
    void first.then(() => (isSeen = true))
    // The follower begins at the end that it finds; until it is there, nothing is for it.
    await eventually(
      async () => {
        await produce(broker, 'orders', 2, [['ada', 'tea']])
        return isSeen
      },
      { pauseMs: 50 },
    )
    expect((await first)[0]).toMatchObject({ key: 'ada', value: 'tea' })
    await produce(
      broker,
      'orders',
      2,
      Array.from({ length: 500 }, (_, at) => ['k', `v${at}`] as const),
    )
    expect((await skipped)[0]!.skipped).toBeGreaterThan(100)
  })
})

describe('the rooms', () => {
  it('answer below their path, with their prefix, and are away after they have closed', async () => {
    const { serve, get } = await open()
    expect((await get('/rooms/shop/x')).body).toMatchObject({ error: { code: 'ROOM_NOT_OPEN' } })
    const serving = await serve({
      fetch: (request, env) =>
        Response.json({
          path: new URL(request.url).pathname,
          prefix: env?.incoming.headers['x-forwarded-prefix'],
        }),
    })
    expect(serving.url).toBe('http://site/rooms/shop')
    expect((await get('/rooms/shop/a/b?c=1')).body).toEqual({ path: '/a/b', prefix: '/rooms/shop' })
    expect((await get('/rooms/shop')).status).toBe(308)
    await serving.close()
    expect((await get('/rooms/shop/x')).status).toBe(503)
  })
})
