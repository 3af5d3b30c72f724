import { OpenedBroker } from '../../lib/broker/open/opened-broker.ts'
import { serveSite } from '../../lib/server/serve-site.ts'
import { KafkaStreams, openBroker, silentLogger, systemClock, type Broker } from 'millrace'
import { describe, expect, onTestFinished, test } from 'vitest'
import * as countries from '../../topologies/countries.ts'
import { countryRows } from '../../topologies/countries/seed.ts'
import { eventually } from '../support/eventually.ts'
import { openTopologyApp } from '../support/topology-app.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { readAll } from '../support/topics.ts'

const open = (options = {}) => openTopologyApp(countries, { applicationId: 'countries', ...options })

async function memoryBroker(): Promise<Broker> {
  const broker = await openBroker('memory')
  onTestFinished(() => broker.close())
  return broker
}

describe('the service of the countries', () => {
  test('is seeded once, however often and by how many it is started; deleted rows stay deleted', async () => {
    const broker = await memoryBroker()
    const stateDir = await temporaryDirectory()
    const rows = countryRows().length
    for (const round of [1, 2, 3]) {
      await using app = await open({ broker, stateDir })
      const expected = round === 1 ? rows : rows - 1
      expect((await app.get<{ total: number }>('/countries')).total).toBe(expected)
      if (round === 1) expect((await app.request('DELETE', '/countries/SS')).status).toBe(204)
    }
    expect(await readAll(broker, 'countries')).toHaveLength(rows + 1)
    await eventually(async () => {
      await using app = await open({ broker, stateDir })
      return (await app.request('GET', '/time-zones?search=juba')).status === 200
    })
  })

  test('a seeding that was killed in its transaction leaves nothing, and is done again', async () => {
    const broker = await memoryBroker()
    const admin = await broker.admin()
    await admin.createTopics(countries.topics)
    await admin.close()
    const dead = await broker.producer({
      clientId: 'dead',
      transactionalId: 'countries-seed',
      transactionTimeoutMs: 60_000,
    })
    onTestFinished(() => dead.close())
    await dead.initTransactions()
    await dead.begin()
    const bytes = (text: string) => Buffer.from(text)
    const value = bytes('{"name":"Half","timeZones":[]}')
    dead.send({ topic: 'countries', partition: 0, key: bytes('XH'), value, timestamp: 1, headers: [] })
    await dead.flush()
    await using app = await open({ broker })
    expect((await app.get<{ total: number }>('/countries')).total).toBe(countryRows().length)
    expect((await app.request('GET', '/countries/XH')).status).toBe(404)
  })

  test('a write is over when it can be read: 200 in turn, and 20 at once', async () => {
    await using app = await open()
    const { countries: table } = app.service
    for (let round = 0; round < 200; round += 1) {
      const value = { name: `n${round}`, timeZones: [] }
      if (round % 5 === 4) await table.delete('XA')
      else await table.put('XA', value)
      expect(table.get('XA')).toEqual(round % 5 === 4 ? undefined : value)
    }
    await Promise.all(
      Array.from({ length: 20 }, async (_, at) => {
        const code = `Q${String.fromCharCode(65 + at)}`
        await table.put(code, { name: code, timeZones: [] })
        expect(table.get(code)?.name).toBe(code)
      }),
    )
  })

  test('a country brings its time zones, and takes them; search finds both', async () => {
    await using app = await open()
    const total = async (path: string) => (await app.get<{ total: number }>(path)).total
    await app.request('PUT', '/countries/XA', {
      name: 'Atlântis',
      timeZones: ['Antarctica/Troll', 'Atlantic/Azores'],
    })
    expect(await total('/countries?search=atlantis')).toBe(1)
    await eventually(async () => (await total('/time-zones?search=troll+xa')) === 1)
    const { timeZones } = await app.get<{ timeZones: { countries: string[]; offset: string }[] }>(
      '/time-zones?search=azores',
    )
    expect(timeZones[0]!.countries).toEqual(['PT', 'XA'])
    expect(timeZones[0]!.offset).toMatch(/^GMT/)
    await app.request('DELETE', '/countries/XA')
    expect((await app.request('GET', '/countries/XA')).status).toBe(404)
    await eventually(async () => (await total('/time-zones?search=xa+azores')) === 0)
  })

  test('what is wrong is refused', async () => {
    await using app = await open()
    const codeOf = async (path: string, body: unknown) => {
      const answer = await app.request<{ error: { code: string } }>('PUT', path, body)
      return `${answer.status} ${answer.body.error.code}`
    }
    expect(await codeOf('/countries/ch', { name: 'n', timeZones: [] })).toBe('400 INVALID_COUNTRY')
    expect(await codeOf('/countries/CH', { name: ' ', timeZones: [] })).toBe('400 INVALID_COUNTRY')
    expect(await codeOf('/countries/CH', { name: 'n', timeZones: ['Mars/Olympus'] })).toBe(
      '400 UNKNOWN_TIME_ZONE',
    )
    expect(await app.get('/countries/CH')).toMatchObject({ name: 'Switzerland' })
  })

  test('is not ready, and answers nothing, before its tables are loaded', async () => {
    const broker = await memoryBroker()
    const stateDir = await temporaryDirectory()
    // What comes after this in the log cannot be loaded before the transaction is decided.
    await using first = await open({ broker, stateDir, port: 0 })
    const port = Number(new URL(first.url).port)
    const writer = await broker.producer({
      clientId: 'w',
      transactionalId: 'w',
      transactionTimeoutMs: 60_000,
    })
    onTestFinished(() => writer.close())
    await writer.initTransactions()
    await writer.begin()
    writer.send({
      topic: 'country-seeds',
      partition: 0,
      key: Buffer.from('other'),
      value: null,
      timestamp: 1,
      headers: [],
    })
    await writer.flush()
    await first.service[Symbol.asyncDispose]()
    const config = { ...countries.config, applicationId: 'second', stateDir: await temporaryDirectory() }
    const streams = new KafkaStreams(countries.default, config, { broker, logger: silentLogger })
    onTestFinished(() => streams.close())
    await streams.start()
    const own = new OpenedBroker(broker, systemClock)
    const around = { broker: own, logger: silentLogger, clock: systemClock, host: '127.0.0.1', port }
    const starting = countries.service(streams, {
      ...around,
      ...config,
      serve: site => serveSite(site, around),
      settings: {},
      processIndex: 0,
    })
    const status = async (path: string) =>
      (await fetch(`http://127.0.0.1:${port}${path}`).catch(() => undefined))?.status
    await eventually(async () => (await status('/healthz')) === 503)
    expect(await status('/countries')).toBe(503)
    expect(await status('/')).toBe(200)
    await writer.commitTransaction()
    const service = await starting
    expect(await status('/healthz')).toBe(200)
    await service[Symbol.asyncDispose]()
  })
})
