import { Hono } from 'hono'
import { describe, expect, it } from 'vitest'
import { partitionForKey } from '../../lib/common/hash/murmur2.ts'
import { httpApp } from '../../lib/http/http-app.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import { ask, application, memoryBroker, PARTITIONS, pointSerde, running } from './fixture.ts'

const bytesOf = (key: string) => serdes.string().serialize(key, { topic: 'in' })
const partitionOf = (key: string) => partitionForKey(bytesOf(key), PARTITIONS)

describe('one key', () => {
  it('is its value, with the time and the part of the store', async () => {
    const app = httpApp(await running([['a', 'x', 1_234]]))
    const answer = await ask(app, '/stores/totals/a')
    expect(answer.status).toBe(200)
    expect(answer.body).toEqual({
      store: 'totals',
      key: 'a',
      value: 'x',
      timestamp: 1_234,
      partition: partitionOf('a'),
    })
    expect(answer.headers.get('millrace-state')).toBe('running')
    expect(answer.headers.get('millrace-lag')).toBe('0')
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect((await ask(app, '/stores/names/a')).body).toMatchObject({ value: 'x', partition: null })
  })

  it('may be any text, in the path or as a parameter', async () => {
    const keys = ['a/b', '%', '%2F', 'ü €', 'a+b', 'a?b#c', 'changes', '..', '.', '', 'windows', '"', '😀']
    const app = httpApp(await running(keys.map((key, at) => [key, `v${at}`] as const)))
    for (const [at, key] of keys.entries()) {
      const asParameter = await ask(app, `/stores/totals?key=${encodeURIComponent(key)}`)
      expect(asParameter.body, key).toMatchObject({ key, value: `v${at}` })
      if (['changes', '..', '.', ''].includes(key)) continue
      const inPath = await ask(app, `/stores/totals/${encodeURIComponent(key)}`)
      expect(inPath.body, key).toMatchObject({ key, value: `v${at}` })
    }
  })

  it('is read by the serde of the store, and by a parser where no text stands for it', async () => {
    const streams = await running([['a', 'x']])
    const app = httpApp(streams)
    const base64 = Buffer.from('x').toString('base64')
    for (const [path, key] of [
      ['numbers/12', 12],
      ['bigints/1152921504606846976', '1152921504606846976'],
      ['floats/1.5', 1.5],
      ['jsons/%7B%22a%22:1%7D', { a: 1 }],
      ['bytes/__4', '//4='],
    ] as const) {
      expect((await ask(app, `/stores/${path}`)).body, path).toMatchObject({
        key,
        value: base64,
        partition: null,
      })
    }
    const refused = await ask(app, '/stores/points/3:-4')
    expect(refused.status).toBe(501)
    expect(refused.body.error.code).toBe('KEY_NOT_PARSEABLE')
    expect(refused.body.error.message).toContain('stores: { "points": { parseKey: text => … } }')
    const parseKey = (key: string) => {
      const match = /^(-?\d+):(-?\d+)$/.exec(key)
      if (!match) throw new Error('a point is X:Y')
      return { x: Number(match[1]), y: Number(match[2]) }
    }
    const parsing = httpApp(streams, { stores: { points: { parseKey } } })
    expect((await ask(parsing, '/stores/points/3:-4')).body).toMatchObject({
      key: { x: 3, y: -4 },
      value: base64,
    })
    const bad = await ask(parsing, '/stores/points/nowhere')
    expect([bad.status, bad.body.error]).toEqual([
      400,
      { code: 'BAD_PARAMETER', message: 'key: a point is X:Y' },
    ])
    const byJson = httpApp(streams, { stores: { points: { keySerde: serdes.json() } } })
    expect((await ask(byJson, '/stores/points?key={"x":3,"y":-4}')).body).toMatchObject({ value: base64 })
  })

  it.each([
    ['numbers/twelve', 'key: "twelve" is not a whole number'],
    ['numbers/9007199254740993', 'key: 9007199254740992 in "numbers" cannot be held exactly'],
    ['bigints/1.5', 'key: "1.5" is not a whole number'],
    ['floats/NaN', 'key: "NaN" is not a number'],
    ['jsons/a', 'key: "a" is not JSON'],
    ['bytes/+', 'key: "+" is not base64url'],
  ])('that is none is refused: %s', async (path, message) => {
    const app = httpApp(await application(await memoryBroker()))
    const { status, body } = await ask(app, `/stores/${path}`)
    expect([status, body.error.code]).toEqual([400, 'BAD_PARAMETER'])
    expect(body.error.message).toContain(message)
  })

  it('that nobody has is not found', async () => {
    const app = httpApp(await running([['a', 'x']]))
    const { status, body } = await ask(app, '/stores/totals/b')
    expect(status).toBe(404)
    expect(body).toEqual({ error: { code: 'KEY_NOT_FOUND', message: 'store "totals" has no such key' } })
  })
})

describe('a range', () => {
  const keys = Array.from({ length: 25 }, (_, at) => `k${String(at).padStart(2, '0')}`)

  interface Page {
    readonly entries: readonly { readonly key: string; readonly value: string }[]
    readonly next: string | null
  }

  async function pages(app: Hono, query: string): Promise<string[][]> {
    const all: string[][] = []
    let cursor = ''
    for (;;) {
      const { status, body } = await ask(app, `/stores/totals?${query}${cursor}`)
      expect(status).toBe(200)
      const { entries, next } = body as Page
      all.push(entries.map(({ key }) => key))
      if (next === null) return all
      cursor = `&cursor=${next}`
    }
  }

  it.each(['limit=1', 'limit=4', 'limit=25', 'limit=1000', 'limit=4&reverse', 'limit=24&reverse=true'])(
    'comes in pages, without gaps or repetitions: %s',
    async query => {
      const app = httpApp(await running(keys.map(key => [key, 'x'] as const)))
      const all = await pages(app, query)
      const limit = Number(/limit=(\d+)/.exec(query)![1])
      expect(all.slice(0, -1).every(page => page.length === limit)).toBe(true)
      expect(all.at(-1)!.length).toBeGreaterThan(0)
      const sign = query.includes('reverse') ? -1 : 1
      const expected = [...keys].sort(
        (left, right) => partitionOf(left) - partitionOf(right) || sign * (left < right ? -1 : 1),
      )
      expect(all.flat()).toEqual(expected)
    },
  )

  it('has bounds, both included, or a prefix', async () => {
    const app = httpApp(await running([...keys.map(key => [key, 'x'] as const), ['k1', 'y'], ['l', 'z']]))
    const sorted = async (query: string) => (await pages(app, query)).flat().sort()
    expect(await sorted('from=k03&to=k07&limit=2')).toEqual(keys.slice(3, 8))
    expect(await sorted('from=k03&to=k07&limit=2&reverse')).toEqual(keys.slice(3, 8))
    expect(await sorted('from=k20')).toEqual([...keys.slice(20), 'l'])
    expect(await sorted('to=k02')).toEqual(keys.slice(0, 3))
    expect(await sorted('prefix=k1&limit=3')).toEqual(['k1', ...keys.slice(10, 20)])
    expect(await sorted('prefix=')).toEqual([...keys, 'k1', 'l'].sort())
    const { body } = await ask(app, '/stores/totals?limit=1')
    expect(body).toMatchObject({ partitions: [0, 1, 2, 3], partitionCount: PARTITIONS })
    expect(body.entries[0]).toEqual({ key: expect.any(String), value: 'x', timestamp: 1_000 })
    expect((await ask(app, '/stores/names?from=k03&to=k04')).body).toMatchObject({
      entries: [{ key: 'k03' }, { key: 'k04' }],
      partitions: null,
      next: null,
    })
  })

  it('of keys for which no text stands goes on by its cursor all the same', async () => {
    const app = httpApp(await running(keys.map(key => [key, 'x'] as const)))
    const first = (await ask(app, '/stores/points?limit=1')).body
    expect(first.entries).toHaveLength(1)
    expect(first.entries[0].key).toEqual({ x: 3, y: -4 })
    const parts = new Set(keys.map(partitionOf)).size
    const second = (await ask(app, `/stores/points?cursor=${first.next}`)).body
    expect(second.entries).toHaveLength(parts - 1)
    expect(pointSerde.name).toBe('point')
  })

  it.each([
    ['limit=0', 'limit: "0" is not a whole number from 1 to 1000'],
    ['limit=1001', 'limit: "1001"'],
    ['limit=x', 'limit: "x"'],
    ['reverse=1', 'reverse: "1" is neither true nor false'],
    ['cursor=!', 'cursor: it is not one'],
    ['prefix=a&from=b', 'prefix: it does not go together with from'],
    ['prefix=a&reverse', 'prefix: it does not go together with reverse'],
    ['key=a&limit=3', 'key: it does not go together with limit'],
    ['asOf=1', 'asOf: it goes with one key only'],
    ['key=a&asOf=1', 'asOf: store "totals" is a timestamped key-value store, which keeps no versions'],
    ['limt=3', 'limt: this route has no such parameter; did you mean limit?'],
    ['limit=3&limit=4', 'limit: it is there more than once'],
  ])('with a bad parameter names it: %s', async (query, message) => {
    const app = httpApp(await application(await memoryBroker()))
    const { status, body } = await ask(app, `/stores/totals?${query}`)
    expect([status, body.error.code]).toEqual([400, 'BAD_PARAMETER'])
    expect(body.error.message).toContain(message)
  })

  it('by a prefix of keys whose bytes do not begin as their texts do is refused', async () => {
    const app = httpApp(await application(await memoryBroker()))
    const { body } = await ask(app, '/stores/numbers?prefix=1')
    expect(body.error.message).toContain('prefix: the bytes of keys of store "numbers" do not begin')
  })
})

describe('windows, sessions and versions of a key', () => {
  const times = [500, 1_500, 1_700, 2_500, 6_000, 9_500]

  it('windows come by their starts, in milliseconds or ISO 8601', async () => {
    const app = httpApp(await running(times.map(time => ['a', 'x', time] as const)))
    const windows = async (query: string) =>
      (await ask(app, `/stores/minutes/a/windows${query}`)).body.windows.map(
        (row: { start: number }) => row.start,
      )
    const { status, body } = await ask(app, '/stores/minutes/a/windows')
    expect(status).toBe(200)
    expect(body).toMatchObject({ store: 'minutes', key: 'a', next: null, partition: partitionOf('a') })
    expect(body.windows[1]).toEqual({ start: 1_000, end: 2_000, value: 2, timestamp: 1_700 })
    expect(await windows('')).toEqual([0, 1_000, 2_000, 6_000, 9_000])
    expect(await windows('?from=1000&to=6000')).toEqual([1_000, 2_000, 6_000])
    expect(await windows('?from=1970-01-01T00:00:02Z&to=1970-01-01T01:00:06%2B01:00')).toEqual([2_000, 6_000])
    expect(await windows('?reverse&limit=2')).toEqual([9_000, 6_000])
    expect((await ask(app, '/stores/minutes/a/windows?limit=2')).body.next).toBe(2_000)
    expect((await ask(app, '/stores/minutes/a/windows?limit=2&reverse')).body.next).toBe(2_000)
    expect((await ask(app, '/stores/minutes/b/windows')).body).toMatchObject({
      windows: [],
      partition: partitionOf('b'),
    })
  })

  it('sessions are those that overlap a time', async () => {
    const app = httpApp(await running(times.map(time => ['a', 'x', time] as const)))
    const sessions = async (query: string) => (await ask(app, `/stores/visits/a/sessions${query}`)).body
    const all = [
      { start: 500, end: 2_500, value: 4 },
      { start: 6_000, end: 6_000, value: 1 },
      { start: 9_500, end: 9_500, value: 1 },
    ]
    expect(await sessions('')).toMatchObject({ sessions: all, next: null, partition: partitionOf('a') })
    expect((await sessions('?from=2000&to=6000')).sessions).toEqual(all.slice(0, 2))
    expect(await sessions('?limit=1')).toMatchObject({ sessions: all.slice(0, 1), next: 6_000 })
    expect((await sessions('?from=6000&limit=1')).sessions).toEqual(all.slice(1, 2))
    expect(await sessions('?limit=1&reverse')).toMatchObject({ sessions: all.slice(2), next: 6_000 })
    expect((await sessions('?to=6000&limit=1&reverse')).sessions).toEqual(all.slice(1, 2))
  })

  it('versions are those of a moment, or the latest', async () => {
    const app = httpApp(
      await running([
        ['a', 'one', 1_000],
        ['a', 'two', 2_000],
      ]),
    )
    const version = async (query: string) => await ask(app, `/stores/prices/a${query}`)
    expect((await version('')).body).toMatchObject({ value: 'two', timestamp: 2_000, validTo: null })
    expect((await version('?asOf=1500')).body).toMatchObject({
      value: 'one',
      timestamp: 1_000,
      validTo: 2_000,
    })
    expect((await version('?asOf=1970-01-01T00:00:02Z')).body).toMatchObject({ value: 'two' })
    expect((await version('?asOf=500')).status).toBe(404)
    expect((await ask(app, '/stores/prices?key=a&asOf=1000')).body).toMatchObject({ value: 'one' })
  })

  it.each([
    [
      'totals/a/windows',
      400,
      'WRONG_STORE_KIND',
      'store "totals" is a timestamped key-value store: it has no windows',
    ],
    ['totals/a/sessions', 400, 'WRONG_STORE_KIND', 'it has no sessions'],
    ['minutes/a', 400, 'WRONG_STORE_KIND', 'read the windows of a key by minutes/KEY/windows'],
    ['visits/a', 400, 'WRONG_STORE_KIND', 'read the sessions of a key by visits/KEY/sessions'],
    ['minutes', 400, 'WRONG_STORE_KIND', 'no ranges over keys'],
    ['minutes/a/windows?from=yesterday', 400, 'BAD_PARAMETER', 'from: "yesterday" is no time'],
    ['minutes/a/windows?to=2026-01-01T00:00', 400, 'BAD_PARAMETER', 'to: "2026-01-01T00:00" is no time'],
    ['prices/a?asOf=-1', 400, 'BAD_PARAMETER', 'asOf: "-1" is no time'],
    [
      'total/a',
      404,
      'UNKNOWN_STORE',
      'there is no store "total" here; did you mean "totals"? There are: prices, totals, ',
    ],
    ['zzzzzzzzzzzz', 404, 'UNKNOWN_STORE', 'There are: prices, totals, '],
    ['totals/a/b', 404, 'NOT_FOUND', 'stores/NAME/KEY'],
  ])('a request that cannot be met says so: %s', async (path, status, code, message) => {
    const app = httpApp(await application(await memoryBroker()))
    const answer = await ask(app, `/stores/${path}`)
    expect([answer.status, answer.body.error.code]).toEqual([status, code])
    expect(answer.body.error.message).toContain(message)
  })
})

describe('the app', () => {
  it('lists its stores, and serves those that it is told to only', async () => {
    const streams = await running([['a', 'x']])
    const { body } = await ask(httpApp(streams), '/stores')
    expect(body.stores.find(({ name }: { name: string }) => name === 'totals')).toEqual({
      name: 'totals',
      kind: 'timestamped key-value store',
      isGlobal: false,
      keySerde: 'string',
      valueSerde: 'string',
      partitions: [0, 1, 2, 3],
      partitionCount: 4,
      lag: 0,
    })
    const some = httpApp(streams, { stores: { totals: {} } })
    expect((await ask(some, '/stores')).body.stores).toHaveLength(1)
    expect((await ask(some, '/stores/totals/a')).status).toBe(200)
    expect((await ask(some, '/stores/names/a')).status).toBe(404)
    expect(() => httpApp(streams, { stores: { totls: {} } })).toThrow('no store "totls"')
    expect(() => httpApp(streams, { stores: { points: { keySerde: pointSerde } } })).toThrow(
      'stores.points.keySerde is "point", which no text stands for: give stores.points.parseKey',
    )
  })

  it('works below a path of another app, whose routes stay its own', async () => {
    const streams = await running([['a', 'x']])
    const own = new Hono()
    own.route('/state/v1', httpApp(streams))
    own.route('/', httpApp(streams))
    own.get('/hello', c => c.text('hello'))
    own.notFound(c => c.text('mine', 404))
    expect((await ask(own, '/state/v1/stores/totals/a')).body).toMatchObject({ value: 'x' })
    expect((await ask(own, '/state/v1/health/ready')).status).toBe(200)
    expect((await ask(own, '/state/v1/stores/totls/a')).body.error.code).toBe('UNKNOWN_STORE')
    expect((await ask(own, '/state/v1/stores/a/b/c/d')).body.error.code).toBe('NOT_FOUND')
    expect((await ask(own, '/hello')).text).toBe('hello')
    expect((await ask(own, '/nothing')).text).toBe('mine')
  })

  it('answers HEAD without a body, and no other method', async () => {
    const app = httpApp(await running([['a', 'x']]))
    const head = await ask(app, '/stores/totals/a', { method: 'HEAD' })
    expect([head.status, head.text, head.headers.get('millrace-lag')]).toEqual([200, '', '0'])
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
      for (const path of ['/stores', '/stores/totals', '/stores/totals/a', '/metrics', '/health/live']) {
        const { status, body, headers } = await ask(app, path, { method })
        expect([status, body.error.code, headers.get('allow')]).toEqual([
          405,
          'METHOD_NOT_ALLOWED',
          'GET, HEAD',
        ])
      }
    }
    expect((await ask(app, '/nothing')).body.error.code).toBe('NOT_FOUND')
  })
})
