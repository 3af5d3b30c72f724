import { describe, expect, it } from 'vitest'
import { serdes, StreamsBuilder, type Firing, type ScheduleOptions } from '../../../lib/index.ts'
import { TopologyTestDriver } from '../../../lib/testing.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const outSerdes = { keySerde: serdes.string(), valueSerde: serdes.json<Firing>() }

function start(options: ScheduleOptions, startIso = '2026-01-01T00:00:00Z') {
  const builder = new StreamsBuilder()
  builder.schedule('tick', options).to('out', outSerdes)
  const driver = new TopologyTestDriver(builder.build(), { startWallClockMs: Date.parse(startIso) })
  const out = driver.createOutputTopic('out', outSerdes)
  const fired = () => out.readRecords().map(({ value }) => isoMinute(value?.nominalMs ?? 0))
  return { driver, out, fired }
}

const isoMinute = (ms: number) => new Date(ms).toISOString().slice(0, 16)

describe('a schedule of the code', () => {
  it('fires to the millisecond, with id, time and headers', async () => {
    const { driver, out } = start({ everyMs: 1_000 })
    await driver.advance(999)
    expect(out.readRecords()).toEqual([])
    await driver.advance(1)
    const [record] = out.readRecords()
    const nominalMs = Date.parse('2026-01-01T00:00:01Z')
    expect(record).toMatchObject({
      key: 'tick',
      value: { fireId: 'tick@2026-01-01T00:00:01.000Z', nominalMs, missed: 0 },
      timestamp: nominalMs,
    })
    const headers = record?.headers.map(({ key, value }) => [key, Buffer.from(value ?? []).toString()])
    expect(headers).toEqual([
      ['__millrace.fire.id', 'tick@2026-01-01T00:00:01.000Z'],
      ['__millrace.fire.nominal', '2026-01-01T00:00:01.000Z'],
      ['__millrace.fire.missed', '0'],
    ])
    await driver.advance(10_000)
    expect(out.readRecords().length).toBe(10)
    expect(driver.metricTotal('schedules-fired-total')).toBe(11)
  })

  it.each([
    ['Europe/Berlin', '30 2 * * *', '2026-03-28T00:00:00Z', ['2026-03-28T01:30', '2026-03-29T01:00']],
    ['Europe/Berlin', '30 2 * * *', '2026-10-24T12:00:00Z', ['2026-10-25T00:30', '2026-10-26T01:30']],
    ['Australia/Lord_Howe', '15 2 * * *', '2026-10-03T00:00:00Z', ['2026-10-03T15:30', '2026-10-04T15:15']],
    ['Australia/Lord_Howe', '45 1 * * *', '2026-04-04T00:00:00Z', ['2026-04-04T14:45', '2026-04-05T15:15']],
    ['Africa/Cairo', '0 0 * * *', '2026-04-23T12:00:00Z', ['2026-04-23T22:00', '2026-04-24T21:00']],
    ['Africa/Cairo', '30 23 * * *', '2026-10-29T12:00:00Z', ['2026-10-29T20:30', '2026-10-30T21:30']],
  ])(
    '%s, %s from %s: at the end of a gap, and once where clocks repeat',
    async (timeZone, cron, from, expected) => {
      const { driver, fired } = start({ cron, timeZone }, from)
      await driver.advance(2 * DAY_MS)
      expect(fired()).toEqual(expected)
    },
  )

  it('fires once at a time, which may be years away', async () => {
    const { driver, fired } = start({ at: '2029-02-28T09:00:00Z' })
    await driver.advance(4 * 365 * DAY_MS)
    expect(fired()).toEqual(['2029-02-28T09:00'])
  })

  it('fires now for a time that is past, once', async () => {
    const { driver, out } = start({ at: '2025-12-24T09:00:00Z' })
    await driver.advance(DAY_MS)
    const records = out.readRecords()
    expect(records.map(({ value }) => value?.fireId)).toEqual(['tick@2025-12-24T09:00:00.000Z'])
    expect(records[0]?.timestamp).toBe(Date.parse('2026-01-01T00:00:00Z'))
  })

  it.each<[NonNullable<ScheduleOptions['onMissed']>, string[], number]>([
    ['once', ['05:50 +34', '06:00 +0'], 34],
    ['skip', ['06:00 +0'], 35],
    ['all', ['05:00 +0', '05:10 +0', '05:20 +0', '05:30 +0', '05:40 +0', '05:50 +0', '06:00 +0'], 29],
  ])('after six hours of standing still, %s', (onMissed, expected, missed) => {
    const { driver, out } = start({ everyMs: 600_000, onMissed })
    // In one step, as where nothing ran meanwhile.
    driver.advanceWallClockTime(6 * HOUR_MS)
    const fired = out
      .readRecords()
      .map(({ value }) => `${isoMinute(value?.nominalMs ?? 0).slice(11)} +${value?.missed}`)
    expect(fired).toEqual(expected)
    expect(driver.metricTotal('schedules-missed-total')).toBe(missed)
  })

  it('is on time within its grace', () => {
    const { driver, out } = start({ everyMs: 600_000, onMissed: 'skip', graceMs: 5 * 60_000 })
    driver.advanceWallClockTime(15 * 60_000)
    expect(out.readRecords().length).toBe(1)
    driver.advanceWallClockTime(10 * 60_000 + 1)
    expect(out.readRecords().length).toBe(0)
  })

  it('makes up for thousands of times in slices', () => {
    const { driver, out } = start({ everyMs: 1_000, onMissed: 'all', catchUpMs: DAY_MS })
    driver.advanceWallClockTime(2 * HOUR_MS)
    const ids = out.readRecords().map(({ value }) => value?.fireId)
    expect([ids.length, new Set(ids).size]).toEqual([7_200, 7_200])
  })

  it('delays firings by a jitter that is their own', async () => {
    const runs = await Promise.all(
      [1, 2].map(async () => {
        const { driver, out } = start({ everyMs: 60_000, jitterMs: 30_000 })
        await driver.advance(10.5 * 60_000)
        return out.readRecords().map(({ value, timestamp }) => timestamp - (value?.nominalMs ?? 0))
      }),
    )
    expect(runs[0]).toEqual(runs[1])
    expect(runs[0]?.length).toBe(10)
    expect(new Set(runs[0]).size).toBeGreaterThan(5)
    for (const delay of runs[0] ?? []) expect(delay).toBeLessThanOrEqual(30_000)
  })

  it('is paused, resumed and triggered', async () => {
    const { driver, out, fired } = start({ everyMs: 600_000 })
    driver.schedules.pause('tick')
    await driver.advance(HOUR_MS)
    expect(fired()).toEqual([])
    const id = driver.schedules.trigger('tick')
    expect(out.readRecords().map(({ value }) => value?.fireId)).toEqual([id])
    driver.schedules.resume('tick')
    driver.schedules.resume('tick')
    await driver.advance(600_000)
    expect(fired()).toEqual(['2026-01-01T01:10'])
  })

  it('is as it was where it is resumed without a pause', async () => {
    const { driver, fired } = start({ everyMs: 600_000, jitterMs: 500_000 })
    // Its time has come, and its jitter has not passed.
    await driver.advance(600_001)
    expect(fired()).toEqual([])
    driver.schedules.resume('tick')
    await driver.advance(500_000)
    expect(fired()).toEqual(['2026-01-01T00:10'])
  })

  it('loses one firing, and no other, where what is below throws and the handler lets it pass', () => {
    const builder = new StreamsBuilder()
    builder
      .schedule('tick', { everyMs: 1_000, onMissed: 'all', graceMs: 60_000 })
      .peek(({ nominalMs }) => {
        if (nominalMs === 3_000) throw new Error('no threes')
      })
      .to('out', outSerdes)
    const config = { processingErrorHandler: () => 'continue' as const }
    using driver = new TopologyTestDriver(builder.build(), { config })
    driver.advanceWallClockTime(5_000)
    const out = driver.createOutputTopic('out', outSerdes).readRecords()
    expect(out.map(({ value }) => value?.nominalMs)).toEqual([1_000, 2_000, 4_000, 5_000])
  })

  it('of one task cannot look into a store that others fill', () => {
    const builder = new StreamsBuilder()
    const users = builder.stream<string, string>('users', {
      keySerde: serdes.string(),
      valueSerde: serdes.string(),
    })
    users.toTable({ storeName: 'active-users' })
    builder
      .schedule('renew', { everyMs: 1_000 })
      .process(() => ({ process: () => undefined }), { name: 'every-user', stores: ['active-users'] })
    expect(() => builder.build()).toThrow(
      /schedule "renew" fires in one task, and "every-user" below it uses the store "active-users".*per: 'partition'/,
    )
  })

  it('has names of its own, and leaves generated ones as they would be', () => {
    const describe = (withSchedule: boolean) => {
      const builder = new StreamsBuilder()
      if (withSchedule) builder.schedule('tick', { everyMs: 1_000 })
      builder.stream('in').filter(Boolean).to('out')
      return builder.build().describe()
    }
    for (const name of describe(false).match(/KSTREAM-[\w-]+/g) ?? []) expect(describe(true)).toContain(name)
  })

  it.each<[object, string]>([
    [{}, 'a schedule needs one of cron, everyMs and at, and this one has none of them'],
    [{ everyMs: 1, at: 5 }, 'this one has everyMs and at'],
    [{ everyMs: 0 }, 'everyMs is 0: it must be a whole number of at least 1'],
    [{ cron: '0 0 30 2 *', timeZone: 'UTC' }, 'never fires: no year has such a date'],
    [{ cron: '0 0 1 13 *', timeZone: 'UTC' }, 'never fires'],
    [{ cron: '0 0 1 1 *' }, 'its timeZone is none of the IANA database'],
    [{ cron: '0 0 1 1 *', timeZone: 'Mars/Olympus' }, 'its timeZone is none of the IANA database'],
    [{ everyMs: 1, onMissed: 'never' }, 'onMissed is "never": it must be "once", "skip" or "all"'],
    [{ everyMs: 1, graceMs: -1 }, 'graceMs is -1: it must be a whole number'],
    [{ everyMs: 1, jitterMs: 0.5 }, 'jitterMs is 0.5: it must be a whole number'],
    [{ everyMs: 1, per: 'task' }, 'per is "task": it must be "application" or "partition"'],
    [{ at: '2026-12-24T09:00' }, 'its date is none with a time and a zone'],
  ])('is refused: %j', (options, message) => {
    expect(() => new StreamsBuilder().schedule('tick', options as ScheduleOptions)).toThrow(message)
  })

  it('is refused with a name that no topic may have, and twice', () => {
    const builder = new StreamsBuilder()
    expect(() => builder.schedule('every day', { everyMs: 1 })).toThrow('is no valid name')
    builder.schedule('daily', { everyMs: 1 })
    builder.schedule('daily', { everyMs: 1 })
    expect(() => builder.build()).toThrow('a node is named "daily-source" already')
  })
})
