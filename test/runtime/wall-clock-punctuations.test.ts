import { describe, expect, it } from 'vitest'
import { WallClockPunctuations } from '../../lib/runtime/task/wall-clock-punctuations.ts'
import { ManualClock } from '../../lib/testing/manual-clock.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const START_MS = 1_000 * DAY_MS
const type = 'wall-clock-time'

function stage() {
  const clock = new ManualClock(START_MS)
  const punctuations = new WallClockPunctuations(clock)
  const schedule = (name: string, options: { intervalMs: number; startMs?: number }) =>
    punctuations.schedule(name, { type, ...options }, () => undefined)
  /** What ticks now, each with the time that it is told. */
  const ticks = () => {
    const seen: [string, number][] = []
    punctuations.maybePunctuate((node, _, timeMs) => seen.push([node, timeMs]))
    return seen
  }
  return { clock, punctuations, schedule, ticks }
}

describe('wall-clock punctuators', () => {
  it.each([-DAY_MS, DAY_MS, -1, 1])('go by durations when the clock is set by %i ms', adjustMs => {
    const { clock, punctuations, schedule, ticks } = stage()
    schedule('hourly', { intervalMs: HOUR_MS })
    clock.advance(HOUR_MS / 2)
    clock.adjustWallClock(adjustMs)
    expect(ticks()).toEqual([])
    expect(punctuations.waitMs).toBe(HOUR_MS / 2)
    clock.advance(HOUR_MS / 2)
    expect(ticks()).toEqual([['hourly', START_MS + HOUR_MS + adjustMs]])
    expect(ticks()).toEqual([])
    expect(punctuations.waitMs).toBe(HOUR_MS)
  })

  it('with an anchor tick once when the clock is set forward by a day, and then on their multiples', () => {
    const { clock, punctuations, schedule, ticks } = stage()
    schedule('on the hour', { intervalMs: HOUR_MS, startMs: 0 })
    clock.advance(1_000)
    clock.adjustWallClock(DAY_MS)
    expect(ticks()).toEqual([['on the hour', START_MS + DAY_MS + 1_000]])
    expect(ticks()).toEqual([])
    expect(punctuations.waitMs).toBe(HOUR_MS - 1_000)
  })

  it('with an anchor go on with the next multiple when the clock is set back by a day', () => {
    const { clock, punctuations, schedule, ticks } = stage()
    schedule('on the hour', { intervalMs: HOUR_MS, startMs: 0 })
    clock.advance(HOUR_MS)
    expect(ticks()).toHaveLength(1)
    clock.adjustWallClock(-DAY_MS - 1_000)
    expect(punctuations.waitMs).toBe(1_000)
    expect(ticks()).toEqual([])
    clock.advance(1_000)
    expect(ticks()).toEqual([['on the hour', START_MS + HOUR_MS - DAY_MS]])
  })

  it('with an anchor do not tick twice for one time when the clock is set back a little', () => {
    const { clock, punctuations, schedule, ticks } = stage()
    schedule('on the hour', { intervalMs: HOUR_MS, startMs: 0 })
    clock.advance(HOUR_MS)
    expect(ticks()).toHaveLength(1)
    clock.adjustWallClock(-5)
    expect(punctuations.waitMs).toBe(HOUR_MS + 5)
    clock.advance(5)
    expect(ticks()).toEqual([])
    clock.advance(HOUR_MS)
    expect(ticks()).toHaveLength(1)
  })

  it('whose start has not come wait for it, whatever the clock is set to meanwhile', () => {
    const { clock, punctuations, schedule, ticks } = stage()
    schedule('from tomorrow', { intervalMs: 1_000, startMs: START_MS + DAY_MS })
    clock.adjustWallClock(-DAY_MS)
    expect(punctuations.waitMs).toBe(2 * DAY_MS)
    clock.advance(2 * DAY_MS - 1)
    expect(ticks()).toEqual([])
    clock.advance(1)
    expect(ticks()).toEqual([['from tomorrow', START_MS + DAY_MS]])
  })

  it('of both kinds tick in one order: the latest first, then as they were scheduled', () => {
    const { clock, schedule, ticks } = stage()
    schedule('a', { intervalMs: 20 })
    schedule('b', { intervalMs: 10, startMs: START_MS })
    schedule('c', { intervalMs: 20 })
    schedule('d', { intervalMs: 10, startMs: START_MS + 20 })
    clock.advance(25)
    expect(ticks().map(([node]) => node)).toEqual(['b', 'a', 'c', 'd'])
  })

  it('one that another one cancels does not tick, though it is due', () => {
    const { clock, punctuations, schedule, ticks } = stage()
    const anchored = schedule('anchored', { intervalMs: 10, startMs: START_MS + 20 })
    punctuations.schedule('first', { type, intervalMs: 10 }, () => undefined)
    clock.advance(30)
    const seen: string[] = []
    punctuations.maybePunctuate(node => {
      seen.push(node)
      anchored.cancel()
    })
    expect(seen).toEqual(['first'])
    clock.advance(10)
    expect(ticks().map(([node]) => node)).toEqual(['first'])
  })
})
