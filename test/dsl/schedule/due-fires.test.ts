import { describe, expect, it } from 'vitest'
import { dueFires, dueMs, scheduleFrom } from '../../../lib/dsl/schedule/due-fires.ts'
import { fireTimes } from '../../../lib/dsl/schedule/next-fire.ts'
import { schedulePolicy, type SchedulePolicyOptions } from '../../../lib/dsl/schedule/schedule-options.ts'
import type { ScheduleState } from '../../../lib/store/operator/schedule-state.ts'

const times = fireTimes({ everyMs: 100 })
const begun = scheduleFrom(times, 1_000, { definition: '', lastMs: null, isPaused: false })

function due(state: ScheduleState, nowMs: number, options: SchedulePolicyOptions = {}) {
  const policy = schedulePolicy({ onMissed: 'all', ...options })
  const found = dueFires('tick', state, times, { policy, nowMs, firingsMax: 500 })
  return { ...found, fired: found.firings.map(({ nominalMs }) => nominalMs) }
}

describe('what is due of a schedule', () => {
  it('fires no time twice, nor again after the clock was set back', () => {
    const first = due(begun, 1_300)
    expect(first.fired).toEqual([1_100, 1_200, 1_300])
    expect(due(first.state, 1_300).fired).toEqual([])
    const back = due(first.state, 900)
    expect([back.fired, back.state.nextMs]).toEqual([[], 1_400])
    expect(due(back.state, 1_400).fired).toEqual([1_400])
  })

  it('goes on behind what it skips', () => {
    const { fired, skipped, state } = due(begun, 10_000, { onMissed: 'skip', graceMs: 50 })
    expect([fired, skipped, state.nextMs]).toEqual([[10_000], 89, 10_100])
    const between = due(begun, 1_190, { onMissed: 'skip', graceMs: 50 })
    expect([between.fired, between.skipped, between.state.nextMs]).toEqual([[], 1, 1_200])
  })

  it('keeps the order of times whose jitter is longer than the interval, and fires each', () => {
    const options = { jitterMs: 1_000 }
    const fired: number[] = []
    let state = begun
    for (let nowMs = 1_000; nowMs <= 6_000; nowMs += 7) {
      const found = due(state, nowMs, options)
      for (const at of found.fired) expect(dueMs('tick', at, 1_000)).toBeLessThanOrEqual(nowMs)
      fired.push(...found.fired)
      state = found.state
    }
    expect(fired).toEqual(fired.map((_, at) => 1_100 + at * 100))
    expect(fired.length).toBeGreaterThan(38)
  })
})
