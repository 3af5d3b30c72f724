import { describe, expect, it } from 'vitest'
import { silentLogger } from '../../lib/common/logger.ts'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import { httpApp } from '../../lib/http/http-app.ts'
import { jsonText } from '../../lib/http/json-text.ts'
import { prometheusText } from '../../lib/http/prometheus.ts'
import { eventually } from '../support/eventually.ts'
import { produce } from '../support/topics.ts'
import { application, ask, memoryBroker, running, text } from './fixture.ts'

describe('health', () => {
  it('is live in every state but error, and ready in state running only', async () => {
    const broker = await memoryBroker()
    const streams = await application(broker)
    const app = httpApp(streams)
    const both = async () => [
      (await ask(app, '/health/live')).status,
      (await ask(app, '/health/ready')).status,
    ]
    expect(await both()).toEqual([200, 503])
    expect((await ask(app, '/health/ready')).body).toEqual({
      error: { code: 'NOT_READY', message: 'the application has not been started' },
      applicationId: 'app',
      state: 'created',
    })
    const starting = streams.start()
    const rebalancing = await ask(app, '/health/ready')
    expect([rebalancing.status, rebalancing.headers.get('retry-after')]).toEqual([503, '1'])
    await starting
    expect(await both()).toEqual([200, 200])
    expect((await ask(app, '/health/ready')).body).toEqual({ applicationId: 'app', state: 'running' })
    await streams.close()
    expect(await both()).toEqual([200, 503])
    expect((await ask(app, '/health/ready')).body.error.message).toBe('the application is closed')
  })

  it('is neither in state error, and tells the code of the error to everybody, its message to nobody', async () => {
    const builder = new StreamsBuilder()
    builder.stream('in', text).forEach(() => {
      throw new RangeError('secret')
    })
    const broker = await memoryBroker()
    const streams = await application(broker, builder.build())
    const app = httpApp(streams, { token: 'T' })
    await streams.start()
    await produce(broker, 'in', 4, [['a', 'x']])
    await eventually(() => streams.state === 'error')
    const live = await ask(app, '/health/live')
    expect(live.status).toBe(503)
    expect(live.body).toMatchObject({ error: { code: 'NOT_LIVE' }, state: 'error' })
    expect(live.body.error.message).toMatch(/^the application has failed \(\w+\)$/)
    expect(live.text).not.toContain('secret')
    expect((await ask(app, '/health/ready')).status).toBe(503)
  })
})

it('what reads no store that is open is told to try again, and what cannot come back is not', async () => {
  const streams = await application(await memoryBroker())
  const app = httpApp(streams, { logger: silentLogger })
  const paths = [
    'totals/a',
    'totals',
    'minutes/a/windows',
    'visits/a/sessions',
    'prices/a',
    'names',
    'names/a',
  ]
  const answers = async () => {
    const all = await Promise.all(paths.map(path => ask(app, `/stores/${path}`)))
    return all.map(({ status, body, headers }) => [status, body.error.code, headers.get('retry-after')])
  }
  expect(await answers()).toEqual(paths.map(() => [503, 'STORE_NOT_AVAILABLE', '1']))
  await streams.start()
  await streams.close()
  expect(await answers()).toEqual(paths.map(() => [503, 'STORE_NOT_AVAILABLE', null]))
})

describe('metrics', () => {
  it('are in the text format of Prometheus', async () => {
    const app = httpApp(await running([['a', 'x']]))
    const { headers, text: metrics } = await ask(app, '/metrics')
    expect(headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(metrics).toMatch(
      /^# HELP kafka_stream_thread_process_total Records processed\n# TYPE kafka_stream_thread_process_total counter\nkafka_stream_thread_process_total\{/m,
    )
    expect(metrics).toMatch(/^kafka_stream_thread_commit_latency_milliseconds_bucket\{.*le="\+Inf".*\} \d+$/m)
    expect(metrics).toMatch(/^millrace_store_cache_bytes\{application_id="app",.*task_id="\d+_\d+".*\} \d+$/m)
    // One line of type for each name, before its samples, which lie together.
    const types = [...metrics.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name)
    expect(new Set(types).size).toBe(types.length)
    const blocks = metrics
      .trim()
      .split(/^# TYPE /m)
      .slice(1)
    for (const block of blocks) {
      const [head, ...lines] = block.trim().split('\n')
      const name = head!.split(' ')[0]!
      expect(lines.length).toBeGreaterThan(0)
      const values = lines.filter(line => !line.startsWith('#') && line !== '')
      for (const line of values)
        expect(line).toMatch(new RegExp(`^${name}(_bucket|_sum|_count)?\\{[^\\n]*\\} \\S+$`))
    }
  })

  it('escape what the format means something by', async () => {
    const tags = { 'task-id': 'a"b\\c\nd', '1st': 'x', 'a:b': 'y' }
    const samples = [{ group: 'application-metrics', name: '9-lives-total', tags, value: 1.5 }]
    expect(await prometheusText(samples)).toBe(
      '# HELP _9_lives_total 9-lives-total\n# TYPE _9_lives_total counter\n_9_lives_total{task_id="a\\"b\\\\c\\nd",_1st="x",a_b="y"} 1.5\n',
    )
  })

  it('have values of every kind', async () => {
    const values = [0, -1, 1e21, Infinity, -Infinity, NaN]
    const samples = values.map(value => ({ group: 'application-metrics', name: 'v', tags: {}, value }))
    const text = '# HELP v v\n# TYPE v gauge\nv 0\nv -1\nv 1e+21\nv +Inf\nv -Inf\nv Nan\n'
    expect(await prometheusText(samples)).toBe(text)
    expect(await prometheusText([])).toBe('')
  })
})

it('values come out as JSON, whatever they are', () => {
  const value = {
    big: 2n ** 64n,
    bytes: new Uint8Array([0, 255]),
    buffer: Buffer.from('hi'),
    part: new Uint8Array([1, 2, 3]).subarray(1, 2),
    raw: new Uint8Array([7]).buffer,
    map: new Map([[1n, new Set(['a'])]]),
    time: new Date(0),
    none: undefined,
    nothing: null,
    numbers: [NaN, Infinity, -Infinity, -0, 1.5],
    gone: [undefined],
  }
  expect(JSON.parse(jsonText(value))).toEqual({
    big: '18446744073709551616',
    bytes: 'AP8=',
    buffer: 'aGk=',
    part: 'Ag==',
    raw: 'Bw==',
    map: [['1', ['a']]],
    time: '1970-01-01T00:00:00.000Z',
    nothing: null,
    numbers: ['NaN', 'Infinity', '-Infinity', 0, 1.5],
    gone: [null],
  })
  expect(jsonText(undefined)).toBe('null')
  expect(jsonText(5n)).toBe('"5"')
})
