import { systemClock, type Clock } from '../../lib/common/clock.ts'

/**
 * The system's clock so many times as fast, for waits of minutes: what waits for it, and what is measured by
 * it, agree.
 */
export function fastClock(factor: number): Clock {
  return {
    nowMs: () => systemClock.nowMs(),
    monotonicMs: () => systemClock.monotonicMs() * factor,
    schedule: (delayMs, callback, options) => systemClock.schedule(delayMs / factor, callback, options),
    sleep: (delayMs, signal) => systemClock.sleep(delayMs / factor, signal),
    nextTurn: () => systemClock.nextTurn(),
  }
}

/**
 * The system's clock, but pauses are so many times shorter: for tests of many recoveries, each of which waits
 * before it begins anew.
 */
export function shortPauses(factor: number): Clock {
  return { ...systemClock, sleep: (delayMs, signal) => systemClock.sleep(delayMs / factor, signal) }
}
