import { request as httpRequest } from 'node:http'
import { Hono } from 'hono'
import { describe, expect, it, onTestFinished } from 'vitest'
import { partitionForKey } from '../../lib/common/hash/murmur2.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import { httpApp } from '../../lib/http/http-app.ts'
import { serveHttp, type ServeHttpOptions } from '../../lib/http/serve-http.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import type { KafkaStreams } from '../../lib/streams/kafka-streams.ts'
import { eventually } from '../support/eventually.ts'
import { listening } from '../support/listening.ts'
import { produce } from '../support/topics.ts'
import { application, ask, memoryBroker, PARTITIONS, running } from './fixture.ts'

async function serving(streams: KafkaStreams, options: ServeHttpOptions = {}) {
  const server = await serveHttp(streams, { port: 0, logger: silentLogger, ...options })
  onTestFinished(() => server.close({ timeoutMs: 0 }))
  return server
}

const get = async (url: string, headers: { readonly [name: string]: string } = {}) => {
  const response = await fetch(url, { headers })
  return { status: response.status, headers: response.headers, body: JSON.parse(await response.text()) }
}

/** With a Host of one's own, which `fetch` does not allow. */
const statusFor = (url: string, host: string) =>
  new Promise<number>((resolve, reject) => {
    httpRequest(url, { headers: { host } }, response => resolve(response.resume().statusCode!))
      .on('error', reject)
      .end()
  })

describe('a server of its own', () => {
  it('answers over a socket, on this machine only, until it is closed', async () => {
    const streams = await running([['a/b', 'x']])
    const server = await serving(streams)
    expect(server.url).toBe(`http://127.0.0.1:${server.port}`)
    const { status, body, headers } = await get(`${server.url}/stores/totals/a%2Fb`)
    expect([status, body.value, headers.get('millrace-state')]).toEqual([200, 'x', 'running'])
    await server.close()
    await server.close()
    await expect(fetch(`${server.url}/health/live`)).rejects.toThrow()
    expect(streams.state).toBe('running')
  })

  it('ends changes with an event when it closes, and lets what is under way end', async () => {
    const streams = await running([['a', 'x']])
    const server = await serving(streams)
    const response = await fetch(`${server.url}/stores/totals/changes`)
    const text = response.text()
    await server.close()
    expect(await text).toMatch(/event: end\ndata: \{"reason":"the server closes"\}\n\n$/)
  })

  it('refuses a port that is taken, and a host that others reach without a token', async () => {
    const streams = await application(await memoryBroker())
    const server = await serving(streams)
    await expect(serveHttp(streams, { port: server.port })).rejects.toMatchObject({
      code: 'LISTEN_FAILED',
      message: expect.stringContaining(`127.0.0.1:${server.port} (host, port)`),
    })
    for (const host of ['0.0.0.0', '::', '192.0.2.1', 'example.com']) {
      await expect(serveHttp(streams, { port: 0, host })).rejects.toMatchObject({
        code: 'TOKEN_NEEDED',
        message: expect.stringContaining('token: false'),
      })
    }
    for (const host of ['localhost', '127.0.0.2']) await serving(streams, { host })
    await serving(streams, { host: '0.0.0.0', token: 'T' })
    await serving(streams, { host: '0.0.0.0', token: false })
    expect(() => httpApp(streams, { token: '' })).toThrow('token is an empty text')
    expect(() => httpApp(streams, { heartbeatMs: 0 })).toThrow('heartbeatMs is 0')
    expect(() => httpApp(streams, { changesBytesMax: 1.5 })).toThrow('changesBytesMax is 1.5')
  })
})

describe('a token', () => {
  it('is asked for everything but health', async () => {
    const app = httpApp(await running([['a', 'x']]), { token: 'T0k3n' })
    for (const path of [
      '/stores',
      '/stores/totals/a',
      '/stores/nothing',
      '/stores/totals/changes',
      '/metrics',
      '/nothing',
    ]) {
      for (const authorization of ['', 'Bearer', 'Bearer T0k3', 'Bearer T0k3nn', 'Basic T0k3n', 'T0k3n']) {
        const { status, body, headers } = await ask(app, path, { headers: { authorization } })
        expect([status, body.error.code, headers.get('www-authenticate')]).toEqual([
          401,
          'UNAUTHORIZED',
          'Bearer',
        ])
        expect(headers.get('millrace-state')).toBeNull()
      }
    }
    for (const authorization of ['Bearer T0k3n', 'bearer  T0k3n']) {
      expect((await ask(app, '/stores/totals/a', { headers: { authorization } })).status).toBe(200)
    }
    expect((await ask(app, '/health/live')).status).toBe(200)
    expect((await ask(app, '/health/ready')).status).toBe(200)
  })

  it('that was not given lets in who comes over loopback to a loopback name, in an app of one’s own, too', async () => {
    const streams = await running([['a', 'x']])
    const server = await serving(streams)
    for (const host of ['localhost', `localhost:${server.port}`, '127.0.0.1', '[::1]:80', 'app.localhost'])
      expect(await statusFor(`${server.url}/stores`, host)).toBe(200)
    for (const host of ['rebound.example', 'localhost.example', '10.0.0.1', '127.evil.example'])
      expect(await statusFor(`${server.url}/stores`, host)).toBe(403)
    const own = new Hono().route('/app', httpApp(streams))
    const from = (remoteAddress: string) =>
      own.request('http://localhost/app/stores', {}, { incoming: { socket: { remoteAddress } } })
    expect((await from('127.0.0.1')).status).toBe(200)
    expect((await from('::ffff:127.0.0.1')).status).toBe(200)
    const refused = await from('10.0.0.2')
    expect(refused.status).toBe(403)
    expect(await refused.json()).toMatchObject({ error: { code: 'TOKEN_NEEDED' } })
    const open = httpApp(streams, { token: false })
    const far = { incoming: { socket: { remoteAddress: '10.0.0.2' } } }
    expect((await open.request('http://far.example/stores', {}, far)).status).toBe(200)
  })
})

it('pages of other origins may read only where they are named', async () => {
  const streams = await running([['a', 'x']])
  const origin = 'https://page.example'
  const none = await ask(httpApp(streams), '/stores/totals/a', { headers: { origin } })
  expect(none.headers.get('access-control-allow-origin')).toBeNull()
  const app = httpApp(streams, { cors: [origin], token: 'T' })
  const preflight = await ask(app, '/stores/totals/a', {
    method: 'OPTIONS',
    headers: {
      origin,
      'access-control-request-method': 'GET',
      'access-control-request-headers': 'authorization',
    },
  })
  expect(preflight.status).toBe(204)
  expect(preflight.headers.get('access-control-allow-origin')).toBe(origin)
  expect(preflight.headers.get('access-control-allow-headers')).toBe('authorization')
  const headers = { origin, authorization: 'Bearer T' }
  const answer = await ask(app, '/stores/totals/a', { headers })
  expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([200, origin])
  expect(answer.headers.get('access-control-expose-headers')).toContain('millrace-state')
  const other = await ask(app, '/stores/totals/a', {
    headers: { ...headers, origin: 'https://other.example' },
  })
  expect(other.headers.get('access-control-allow-origin')).toBeNull()
})

it('a key of another process is misdirected (421), with its partition, and not missing', async () => {
  const broker = await memoryBroker()
  const keys = Array.from({ length: 40 }, (_, at) => `k${at}`)
  const pairs = keys.map(key => [key, 'x', 1_000] as const)
  for (const topic of ['in', 'versions']) await produce(broker, topic, PARTITIONS, pairs)
  const both = [await application(broker), await application(broker)]
  for (const streams of both) await streams.start()
  const parts = () => both.flatMap(streams => streams.describeStore('totals').partitions)
  await eventually(() => parts().length === PARTITIONS && both.every(({ state }) => state === 'running'))
  await eventually(() => both.every(streams => streams.describeStores().every(({ lag }) => lag === 0)))
  const apps = both.map(streams => httpApp(streams))
  for (const key of keys) {
    const partition = partitionForKey(serdes.string().serialize(key, { topic: 'in' }), PARTITIONS)
    const at = both.findIndex(streams => streams.describeStore('totals').partitions.includes(partition))
    for (const path of ['totals/KEY', 'prices/KEY', 'minutes/KEY/windows', 'visits/KEY/sessions']) {
      // A sub-topology's tasks are divided by themselves: a table of another topic may be on the other side.
      const owner = both.findIndex(streams => streams.keyOwner(path.split('/')[0]!, key).isLocal)
      const [here, away] = [apps[owner]!, apps[1 - owner]!]
      const found = await ask(here, `/stores/${path.replace('KEY', key)}`)
      expect([found.status, found.body.partition]).toEqual([200, partition])
      const { status, body } = await ask(away, `/stores/${path.replace('KEY', key)}`)
      expect([status, body.error.code]).toEqual([421, 'KEY_NOT_HERE'])
      const { partitions } = both[1 - owner]!.describeStore(path.split('/')[0]!)
      expect(body.error).toMatchObject({ partition, partitions })
    }
    const missing = await ask(apps[1 - at]!, `/stores/numbers?key=13`)
    expect([missing.status, missing.body.error.code]).toEqual([404, 'KEY_NOT_FOUND_HERE'])
  }
  const ranges = await Promise.all(apps.map(app => ask(app, '/stores/totals?limit=1000')))
  expect(ranges.flatMap(({ body }) => body.partitions).sort()).toEqual([0, 1, 2, 3])
  expect(ranges.flatMap(({ body }) => body.entries).length).toBe(keys.length)
})

it('what fails through no fault of the client is told to the log, and not to the client', async () => {
  const streams = await running([['a', 'x']])
  const { logger, lines } = listening()
  const app = httpApp(streams, { logger })
  streams.timestampedStore = () => {
    throw new RangeError('secret')
  }
  const { status, body, text } = await ask(app, '/stores/totals/a')
  expect([status, body.error.code]).toEqual([500, 'INTERNAL'])
  expect(text).not.toContain('secret')
  expect(lines).toEqual(['error a request for /stores/totals/a failed: secret'])
})
