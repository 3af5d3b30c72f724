import { describe, expect, it } from 'vitest'
import { serdes, StreamsBuilder } from '../../../lib/index.ts'
import { TopologyTestDriver } from '../../../lib/testing.ts'

const HOUR_MS = 3_600_000
const renewals = { topic: 'renewals', keySerde: serdes.string(), valueSerde: serdes.json<{ plan: string }>() }
const mails = { topic: 'mails', keySerde: serdes.string(), valueSerde: serdes.string() }

function start() {
  const builder = new StreamsBuilder()
  builder.schedules({ to: { renewals, mails } })
  const driver = new TopologyTestDriver(builder.build(), {
    startWallClockMs: Date.parse('2026-01-01T00:00:00Z'),
  })
  const out = driver.createOutputTopic('renewals', renewals)
  const keys = () => out.readRecords().map(({ key }) => key)
  return { driver, out, keys, mails: driver.createOutputTopic('mails', mails) }
}

const renewalOf = (key: string) => ({ sink: 'renewals', key, value: { plan: 'yoga' } })

describe('schedules as data', () => {
  it('fire the record of the definition, with the id of the firing', async () => {
    const { driver, out, mails: sent } = start()
    driver.schedules.put('renew-u7', { everyMs: HOUR_MS, to: renewalOf('u7') })
    driver.schedules.put('trial-u9', {
      at: '2026-01-01T00:30:00Z',
      to: { sink: 'mails', key: 'u9', value: 'ends' },
    })
    await driver.advance(HOUR_MS)
    const [record] = out.readRecords()
    expect(record).toMatchObject({
      key: 'u7',
      value: { plan: 'yoga' },
      timestamp: Date.parse('2026-01-01T01:00:00Z'),
    })
    const ids = record?.headers.filter(({ key }) => key === '__millrace.fire.id')
    expect(ids?.map(({ value }) => String(value))).toEqual(['renew-u7@2026-01-01T01:00:00.000Z'])
    expect(sent.readRecords().map(({ key, value }) => [key, value])).toEqual([['u9', 'ends']])
  })

  it('are removed from their topic when they have fired for the last time', async () => {
    const { driver, mails: sent } = start()
    driver.schedules.put('once', { at: '2026-01-01T00:00:01Z', to: { sink: 'mails', key: 'k', value: 'v' } })
    await driver.advance(1_000)
    const written = driver.producedRecords('test-application-schedules')
    expect(written.map(({ key, value }) => [Buffer.from(key ?? []).toString(), value])).toEqual([
      ['once', null],
    ])
    driver.schedules.put('once', { at: '2026-01-01T00:00:02Z', to: { sink: 'mails', key: 'k', value: 'w' } })
    await driver.advance(HOUR_MS)
    expect(sent.readRecords().map(({ value }) => value)).toEqual(['v', 'w'])
  })

  it('are cancelled, and rescheduled from now on; the same times go on as they were', async () => {
    const { driver, keys } = start()
    driver.schedules.put('renew', { everyMs: HOUR_MS, to: renewalOf('u1') })
    await driver.advance(HOUR_MS / 2)
    driver.schedules.put('renew', { everyMs: HOUR_MS, to: renewalOf('u2') })
    await driver.advance(HOUR_MS / 2)
    expect(keys()).toEqual(['u2'])
    driver.schedules.put('renew', { everyMs: HOUR_MS / 4, to: renewalOf('u3') })
    await driver.advance(HOUR_MS / 2)
    expect(keys()).toEqual(['u3', 'u3'])
    driver.schedules.delete('renew')
    await driver.advance(HOUR_MS)
    expect(keys()).toEqual([])
  })

  it('are paused through a change, resumed and triggered, without what they missed', async () => {
    const { driver, keys } = start()
    driver.schedules.put('renew', { everyMs: HOUR_MS, to: renewalOf('u1') })
    driver.schedules.pause('renew', 'fraud check')
    driver.schedules.put('renew', { everyMs: HOUR_MS / 2, to: renewalOf('u1') })
    await driver.advance(5 * HOUR_MS)
    expect(keys()).toEqual([])
    driver.schedules.trigger('renew')
    expect(keys()).toEqual(['u1'])
    driver.schedules.resume('renew')
    await driver.advance(HOUR_MS)
    expect(keys()).toEqual(['u1', 'u1'])
  })

  it('that cannot be read are left out, and the others go on', async () => {
    const { driver, keys } = start()
    const bytes = { keySerde: serdes.string(), valueSerde: serdes.string() }
    const topic = driver.createInputTopic('test-application-schedules', bytes)
    const good = JSON.stringify({
      v: 1,
      everyMs: HOUR_MS,
      to: { sink: 'renewals', key: 'dQ==', value: 'e30=' },
    })
    for (const bad of [
      'no JSON',
      '7',
      '{}',
      good.replace('"v":1', '"v":2'),
      good.replace('renewals', 'renewal'),
      good.replace('"dQ=="', '7'),
      good.replace('everyMs', 'every'),
      good.replace('{"v"', '{"graceMs":"no","v"'),
    ])
      topic.pipeInput('bad', bad)
    topic.pipeInput('', good)
    topic.pipeInput('@what/good', good)
    topic.pipeInput('good', good)
    await driver.advance(HOUR_MS)
    expect(keys()).toEqual(['u'])
    expect(driver.metricTotal('schedules-refused-total')).toBe(10)
  })

  it('10,000 in one second: each once', async () => {
    const { driver, keys } = start()
    for (let at = 0; at < 10_000; at += 1) {
      const to = renewalOf(`u${at}`)
      driver.schedules.put(`s${at}`, { at: Date.parse('2026-01-01T01:00:00Z') + (at % 1_000), to })
    }
    driver.advanceWallClockTime(2 * HOUR_MS)
    const fired = keys()
    expect([fired.length, new Set(fired).size]).toEqual([10_000, 10_000])
  })

  it.each<[string, object, string]>([
    ['x', { everyMs: 1, to: { sink: 'renewal' } }, 'schedules have no sink renewal; did you mean renewals?'],
    [
      'x',
      { cron: '0 0 30 2 *', timeZone: 'UTC', to: { sink: 'mails' } },
      'never fires: no year has such a date',
    ],
    [
      'x',
      { at: '2020-01-01T00:00:00Z', to: { sink: 'mails' } },
      'schedule x is for 2020-01-01T00:00:00.000Z, which is past',
    ],
    ['@x', { everyMs: 1, to: { sink: 'mails' } }, '"@x" is no id of a schedule'],
    ['', { everyMs: 1, to: { sink: 'mails' } }, 'is no id of a schedule'],
  ])('%s %j is refused before it is written', (id, request, message) => {
    const { driver } = start()
    expect(() => driver.schedules.put(id, request as never)).toThrow(message)
  })

  it('need a sink', () => {
    expect(() => new StreamsBuilder().schedules({ to: {} })).toThrow('need at least one sink')
    expect(() => new StreamsBuilder().schedules({ to: { mails }, partitionCount: 0 })).toThrow(
      'partitionCount is 0',
    )
  })
})
