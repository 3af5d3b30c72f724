import { describe, expect, it } from 'vitest'
import { missedFires, type MissedOptions } from '../../../lib/dsl/schedule/missed-fires.ts'
import { nextFire, type ScheduleDefinition } from '../../../lib/dsl/schedule/next-fire.ts'
import { SeededRandom } from '../../support/seeded-random.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS
const everyTenMinutes = { everyMs: 10 * MINUTE_MS }

/** Minutes of the firings, with what they stand for. */
function minutesOf(definition: ScheduleDefinition, last: number, now: number, options?: MissedOptions) {
  const { firings, skipped } = missedFires(definition, last * MINUTE_MS, now * MINUTE_MS, options)
  return [firings.map(({ nominalMs, missed }) => `${nominalMs / MINUTE_MS}+${missed}`).join(' '), skipped]
}

describe('what fires of a schedule that is behind', () => {
  it('nothing before its time; on time what is not late', () => {
    expect(minutesOf(everyTenMinutes, 10, 19)).toEqual(['', 0])
    expect(minutesOf(everyTenMinutes, 10, 20)).toEqual(['20+0', 0])
    expect(minutesOf(everyTenMinutes, 10, 21)).toEqual(['20+0', 0])
    expect(minutesOf(everyTenMinutes, 10, 20.99, { onMissed: 'skip' })).toEqual(['20+0', 0])
  })

  it('once: the newest of the late ones, for all of them', () => {
    expect(minutesOf(everyTenMinutes, 10, 75)).toEqual(['70+5', 0])
    expect(minutesOf(everyTenMinutes, 10, 80)).toEqual(['70+5 80+0', 0])
    expect(minutesOf(everyTenMinutes, 10, 75, { catchUpMs: 4 * MINUTE_MS })).toEqual(['', 6])
  })

  it('skip: none of the late ones', () => {
    expect(minutesOf(everyTenMinutes, 10, 75, { onMissed: 'skip' })).toEqual(['', 6])
    expect(minutesOf(everyTenMinutes, 10, 80, { onMissed: 'skip' })).toEqual(['80+0', 6])
  })

  it('all: each that is late by no more than catchUpMs', () => {
    expect(minutesOf(everyTenMinutes, 10, 45, { onMissed: 'all' })).toEqual(['20+0 30+0 40+0', 0])
    expect(minutesOf(everyTenMinutes, 0, 95, { onMissed: 'all' })).toEqual([
      '40+0 50+0 60+0 70+0 80+0 90+0',
      3,
    ])
  })

  it('in slices, each going on where the one before has ended', () => {
    const options: MissedOptions = { onMissed: 'all', firingsMax: 4 }
    let lastNominalMs = 0
    const seen: number[] = []
    for (let slices = 1; ; slices += 1) {
      const { firings, hasMore } = missedFires({ everyMs: MINUTE_MS }, lastNominalMs, 10 * MINUTE_MS, options)
      for (const { nominalMs } of firings) seen.push(nominalMs / MINUTE_MS)
      lastNominalMs = firings.at(-1)!.nominalMs
      if (hasMore) continue
      expect(slices).toBe(3)
      break
    }
    expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  })

  it('after years, in a moment', () => {
    const nowMs = Date.UTC(2026, 5, 1)
    const late = missedFires({ everyMs: 1_000 }, 0, nowMs)
    expect(late.firings[0]).toEqual({ nominalMs: nowMs - MINUTE_MS - 1_000, missed: nowMs / 1_000 - 62 })
    const cron = missedFires({ cron: '* * * * *', timeZone: 'UTC' }, 0, nowMs)
    expect(cron.firings[0]).toEqual({ nominalMs: nowMs - 2 * MINUTE_MS, missed: 999 })
  })

  it('nothing where the clock was set back', () => {
    expect(minutesOf(everyTenMinutes, 50, 20)).toEqual(['', 0])
  })

  it.each([1, 2, 3, 4])('what a naive count says (seed %i)', seed => {
    const random = new SeededRandom(seed)
    for (let round = 0; round < 200; round += 1) {
      const definition = random.pick<ScheduleDefinition>([
        { everyMs: 1 + random.below(20 * MINUTE_MS) + MINUTE_MS },
        { cron: '*/20 * * * *', timeZone: 'Europe/Berlin' },
        { at: random.below(DAY_MS) },
      ])
      const lastMs = random.below(DAY_MS)
      const nowMs = lastMs + random.below(4 * HOUR_MS)
      const options = {
        onMissed: random.pick(['skip', 'once', 'all'] as const),
        graceMs: random.below(30 * MINUTE_MS),
        catchUpMs: random.below(3 * HOUR_MS),
      }
      const message = JSON.stringify({ definition, lastMs, nowMs, options })
      expect(missedFires(definition, lastMs, nowMs, options), message).toEqual({
        ...naive(definition, lastMs, nowMs, options),
        hasMore: false,
      })
    }
  })
})

function naive(
  definition: ScheduleDefinition,
  lastMs: number,
  nowMs: number,
  { onMissed, graceMs, catchUpMs }: Required<Omit<MissedOptions, 'firingsMax'>>,
) {
  const due: number[] = []
  for (let at = nextFire(definition, lastMs); at !== undefined && at <= nowMs; at = nextFire(definition, at))
    due.push(at)
  const isLate = (atMs: number) => nowMs - atMs > graceMs
  const mayFire = (atMs: number) => !isLate(atMs) || nowMs - atMs <= catchUpMs
  const late = due.filter(isLate)
  let fires = due.filter(mayFire)
  if (onMissed === 'skip') fires = due.filter(atMs => !isLate(atMs))
  const newest = fires.filter(isLate).at(-1)
  if (onMissed === 'once') fires = fires.filter(atMs => !isLate(atMs) || atMs === newest)
  const standing = onMissed === 'once' && newest !== undefined
  return {
    firings: fires.map(nominalMs => ({
      nominalMs,
      missed: standing && nominalMs === newest ? late.length - 1 : 0,
    })),
    skipped: standing ? 0 : due.length - fires.length,
  }
}
