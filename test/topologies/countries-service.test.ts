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
      const { timeZones } = await app.get<{ timeZones: { zone: string }[] }>('/time-zones')
      return timeZones.length > 0 && timeZones.every(({ zone }) => zone !== 'Africa/Juba')
    })
  })

  test('a seeding that was killed half way is completed; what was there stays as it was', async () => {
    const broker = await memoryBroker()
    const stateDir = await temporaryDirectory()
    {
      await using app = await open({ broker, stateDir })
      // As if the mark had not been written, and all rows behind CH neither.
      await app.service.countries.put('CH', { name: 'Helvetia', timeZones: [] })
      for (const [code] of countryRows()) if (code > 'CH') await app.service.countries.delete(code)
    }
    const admin = await broker.admin()
    await admin.deleteTopics(['country-seeds'])
    await admin.close()
    await using app = await open({ broker, stateDir })
    expect((await app.get<{ total: number }>('/countries')).total).toBe(countryRows().length)
    expect(await app.get('/countries/CH')).toMatchObject({ name: 'Helvetia' })
    expect(await readAll(broker, 'country-seeds')).toHaveLength(1)
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

  test('a country brings its time zones, and takes them', async () => {
    await using app = await open()
    const countriesOf = async (zone: string) => {
      const { timeZones } = await app.get<{ timeZones: { zone: string; countries: string[] }[] }>(
        '/time-zones',
      )
      return timeZones.find(each => each.zone === zone)?.countries.join()
    }
    const timeZones = ['Antarctica/Troll', 'Atlantic/Azores']
    await app.request('PUT', '/countries/XA', { name: 'Atlantis', timeZones })
    await eventually(async () => (await countriesOf('Atlantic/Azores')) === 'PT,XA')
    await app.request('DELETE', '/countries/XA')
    expect((await app.request('GET', '/countries/XA')).status).toBe(404)
    await eventually(async () => (await countriesOf('Atlantic/Azores')) === 'PT')
  })

  test('who has seen another version than is there is refused, and nothing is written', async () => {
    await using app = await open()
    interface Row {
      readonly version: number
      readonly name: string
    }
    const put = (path: string, name: string) =>
      app.request<Row & { error?: { code: string } }>('PUT', `/countries/${path}`, { name, timeZones: [] })
    const first = await put('XA?version=0', 'Atlantis')
    expect(first.status).toBe(200)
    expect(await put('XA?version=0', 'Atlantis')).toMatchObject({
      status: 409,
      body: { error: { code: 'VERSION_CONFLICT' } },
    })
    const { version } = first.body
    // Two who have seen the same: one is first.
    const both = await Promise.all(['Mine', 'Theirs'].map(name => put(`XA?version=${version}`, name)))
    expect(both.map(({ status }) => status).sort()).toEqual([200, 409])
    const winner = both.find(({ status }) => status === 200)!.body
    expect(await app.get('/countries/XA')).toEqual({ code: 'XA', timeZones: [], ...winner })
    expect((await app.request('DELETE', `/countries/XA?version=${version}`)).status).toBe(409)
    expect((await app.request('DELETE', `/countries/XA?version=${winner.version}`)).status).toBe(204)
    expect((await put(`XA?version=${winner.version}`, 'Back')).status).toBe(409)
    expect((await put('XA', 'Back')).body.version).toBeGreaterThan(winner.version)
    expect((await put('XA?version=-1', 'Back')).body.error?.code).toBe('INVALID_VERSION')
  })

  test('of 8 writers with 20 changes each, every change counts', async () => {
    await using app = await open()
    const { countries: table } = app.service
    await table.put('XA', { name: '0', timeZones: [] })
    const change = async () => {
      for (let round = 0; round < 20; round += 1)
        await table.update('XA', before => ({ name: `${Number(before?.name) + 1}`, timeZones: [] }))
    }
    await Promise.all(Array.from({ length: 8 }, change))
    expect(table.get('XA')?.name).toBe('160')
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
      topic: 'countries',
      partition: 0,
      key: Buffer.from('other'),
      value: null,
      timestamp: 1,
      headers: [],
    })
    await writer.flush()
    await first.service[Symbol.asyncDispose]()
    // Another process of the same application: two applications would be two writers.
    const config = { ...countries.config, applicationId: 'countries', stateDir: await temporaryDirectory() }
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
