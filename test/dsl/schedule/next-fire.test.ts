import { describe, expect, it } from 'vitest'
import { fireTimes, nextFire, type ScheduleDefinition } from '../../../lib/dsl/schedule/next-fire.ts'
import { SeededRandom } from '../../support/seeded-random.ts'

const MINUTE_MS = 60_000
const DAY_MS = 24 * 3_600_000
const BERLIN = 'Europe/Berlin'

/** The next times after a date, as UTC. */
function timesOf(definition: ScheduleDefinition, after: string, count: number): string[] {
  const times: string[] = []
  const fires = fireTimes(definition)
  let at: number | undefined = Date.parse(after)
  while (times.length < count) {
    at = fires.next(at)
    if (at === undefined) break
    times.push(new Date(at).toISOString().slice(0, 16))
  }
  return times
}

describe('the times of a cron pattern', () => {
  it.each<[what: string, cron: string, timeZone: string, after: string, times: string[]]>([
    ['winter and summer', '0 6 1 * *', BERLIN, '2026-03-15T00:00Z', ['2026-04-01T04:00', '2026-05-01T04:00']],
    [
      'skipped: at the end of the gap, once',
      '*/15 2 * * *',
      BERLIN,
      '2026-03-28T02:00Z',
      ['2026-03-29T01:00', '2026-03-30T00:00'],
    ],
    [
      'repeated: the first time alone',
      '*/30 2 * * *',
      BERLIN,
      '2026-10-24T12:00Z',
      ['2026-10-25T00:00', '2026-10-25T00:30', '2026-10-26T01:00'],
    ],
    [
      'of every hour: those that pass, where one is skipped',
      '30 * * * *',
      BERLIN,
      '2026-03-29T00:00Z',
      ['2026-03-29T00:30', '2026-03-29T01:30'],
    ],
    [
      'of every hour: those that pass, where one is repeated',
      '30 * 25 10 *',
      BERLIN,
      '2026-10-25T00:00Z',
      ['2026-10-25T00:30', '2026-10-25T01:30', '2026-10-25T02:30'],
    ],
    [
      'a gap of half an hour',
      '15 2 * * *',
      'Australia/Lord_Howe',
      '2026-10-02T16:00Z',
      ['2026-10-03T15:30', '2026-10-04T15:15'],
    ],
    [
      'a gap at midnight',
      '0 0 * * *',
      'Africa/Cairo',
      '2026-04-23T00:00Z',
      ['2026-04-23T22:00', '2026-04-24T21:00'],
    ],
    [
      'a day that a zone has left out',
      '0 12 * * *',
      'Pacific/Apia',
      '2011-12-29T00:00Z',
      ['2011-12-29T22:00', '2011-12-30T10:00', '2011-12-30T22:00'],
    ],
    ['a leap day', '0 0 29 2 *', 'UTC', '2096-03-01T00:00Z', ['2104-02-29T00:00', '2108-02-29T00:00']],
    [
      'day of the month or of the week',
      '0 0 13 * 5',
      'UTC',
      '2026-01-03T00:00Z',
      ['2026-01-09T00:00', '2026-01-13T00:00', '2026-01-16T00:00'],
    ],
  ])('%s', (_what, cron, timeZone, after, times) => {
    expect(timesOf({ cron, timeZone }, after, times.length)).toEqual(times)
  })

  it.each<[what: string, definition: ScheduleDefinition, says: RegExp]>([
    ['a date that no year has', { cron: '0 0 30 2 *', timeZone: 'UTC' }, /no year has such a date/],
    ['month 31', { cron: '0 0 1 31 *', timeZone: 'UTC' }, /Invalid value for month$/],
    ['six fields', { cron: '0 0 0 1 1 *', timeZone: 'UTC' }, /6 fields/],
    ['four fields', { cron: '* * * *', timeZone: 'UTC' }, /4 fields/],
    ['a nickname', { cron: '@daily', timeZone: 'UTC' }, /1 fields/],
    ['an unknown time zone', { cron: '0 0 1 1 *', timeZone: 'Mars/Base' }, /timeZone/],
    ['no time zone', { cron: '0 0 1 1 *', timeZone: undefined as never }, /timeZone/],
    ['a date without a zone', { at: '2026-12-24T09:00:00' }, /with a time and a zone/],
    ['no date', { at: 'tomorrow' }, /with a time and a zone/],
  ])('refuses %s', (_what, definition, says) => {
    const call = () => nextFire(definition, 0)
    expect(call).toThrow(expect.objectContaining({ code: 'SCHEDULE_NEVER_FIRES' }))
    expect(call).toThrow(says)
  })

  it.each([1, 2, 3, 4, 5, 6])('are those of a naive clock (seed %i)', seed => {
    const random = new SeededRandom(seed)
    for (let round = 0; round < 12; round += 1) {
      const [timeZone, date] = random.pick(CHANGES)
      const clock = clockAround(timeZone, Date.parse(date))
      const pattern = randomPattern(random)
      const expected = naiveTimes(clock, pattern)
      const fires = fireTimes({ cron: pattern.cron, timeZone })
      const seen: number[] = []
      const untilMs = clock.at(-1)!.instantMs
      let at = fires.next(clock[0]!.instantMs)
      while (at !== undefined && at <= untilMs) {
        seen.push(at)
        at = fires.next(at)
      }
      const iso = (times: readonly number[]) => times.map(each => new Date(each).toISOString())
      const what = `${pattern.cron} ${timeZone}`
      expect(iso(seen), what).toEqual(iso(expected))
      // Not after another firing, but from anywhere: also from within an hour that is repeated.
      for (let look = 0; look < 60; look += 1) {
        const { instantMs } = random.pick(clock.slice(clock.length / 3, (2 * clock.length) / 3))
        const next = expected.find(each => each > instantMs)
        if (next !== undefined) expect(iso([fires.next(instantMs)!]), what).toEqual(iso([next]))
      }
    }
  })
})

describe('the times of an interval, and of one date', () => {
  it.each<[everyMs: number, startMs: number | undefined, afterMs: number, next: number]>([
    [1_000, undefined, 0, 1_000],
    [1_000, undefined, 999, 1_000],
    [1_000, undefined, 1_000, 2_000],
    [1_000, 2_500, 0, 2_500],
    [1_000, 2_500, 2_500, 3_500],
    [7 * DAY_MS, 0, 1, 7 * DAY_MS],
  ])('every %i ms from %s: after %i comes %i', (everyMs, startMs, afterMs, next) => {
    const definition = startMs === undefined ? { everyMs } : { everyMs, startMs }
    expect(nextFire(definition, afterMs)).toBe(next)
  })

  it('once, and never again', () => {
    const at = '2026-12-24T09:00:00+01:00'
    const atMs = Date.parse(at)
    expect(nextFire({ at }, 0)).toBe(atMs)
    expect(nextFire({ at: atMs }, atMs - 1)).toBe(atMs)
    expect(nextFire({ at }, atMs)).toBeUndefined()
  })

  it('end with the year 9999', () => {
    expect(nextFire({ everyMs: DAY_MS }, 253_402_300_799_999)).toBeUndefined()
  })

  it.each([
    [{ everyMs: 0 }, /everyMs is 0/],
    [{ everyMs: 0.5 }, /everyMs is 0.5/],
    [{ everyMs: 1, startMs: -1 }, /startMs is -1/],
    [{ at: 1.5 }, /at is 1.5/],
  ])('refuses %j', (definition, says) => {
    expect(() => nextFire(definition, 0)).toThrow(says)
  })
})

/** Zones, and a day on which their clocks change. */
const CHANGES: readonly (readonly [timeZone: string, date: string])[] = [
  [BERLIN, '2026-03-29'],
  [BERLIN, '2026-10-25'],
  ['Australia/Lord_Howe', '2026-04-05'],
  ['Australia/Lord_Howe', '2026-10-04'],
  ['Africa/Cairo', '2026-04-24'],
  ['Africa/Cairo', '2026-10-30'],
  ['America/Santiago', '2026-04-05'],
  ['America/Santiago', '2026-09-06'],
  ['America/New_York', '2026-11-01'],
  ['Pacific/Apia', '2011-12-30'],
  ['Asia/Kolkata', '2026-05-01'],
]

/** A minute, and what clocks show in it, as the instant at which a clock in UTC does. */
interface Minute {
  readonly instantMs: number
  readonly localMs: number
}

function clockAround(timeZone: string, dayMs: number): Minute[] {
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'short' })
  return Array.from({ length: (3 * DAY_MS) / MINUTE_MS }, (_, at) => {
    const instantMs = dayMs - 1.5 * DAY_MS + at * MINUTE_MS
    return { instantMs, localMs: Date.parse(`${format.format(instantMs).replace(' ', 'T')}Z`) }
  })
}

interface Pattern {
  readonly cron: string
  readonly isHourly: boolean
  readonly matches: (localMs: number) => boolean
}

function randomPattern(random: SeededRandom): Pattern {
  const minutes = [random.below(60), random.below(60), 0].slice(0, 1 + random.below(3))
  const isHourly = random.chance(0.4)
  const hours = [random.below(4), random.below(24)].slice(0, 1 + random.below(2))
  const weekday = random.chance(0.3) ? random.below(7) : undefined
  return {
    cron: `${minutes.join(',')} ${isHourly ? '*' : hours.join(',')} * * ${weekday ?? '*'}`,
    isHourly,
    matches: localMs => {
      const local = new Date(localMs)
      if (weekday !== undefined && local.getUTCDay() !== weekday) return false
      return minutes.includes(local.getUTCMinutes()) && (isHourly || hours.includes(local.getUTCHours()))
    },
  }
}

/** Looks at every minute: what clocks show for the first time, and what they have left out before it. */
function naiveTimes(clock: readonly Minute[], { isHourly, matches }: Pattern): number[] {
  const shown = new Set<number>()
  let before = clock[0]!.localMs
  return clock.slice(1).flatMap(({ instantMs, localMs }) => {
    const isRepeated = shown.has(localMs)
    let fires = matches(localMs) && (isHourly || !isRepeated)
    for (let skipped = before + MINUTE_MS; !isHourly && skipped < localMs; skipped += MINUTE_MS)
      fires ||= matches(skipped)
    shown.add(localMs)
    before = localMs
    return fires ? [instantMs] : []
  })
}
