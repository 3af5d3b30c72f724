import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { systemClock } from '../../lib/common/clock.ts'

const DAY_MS = 86_400_000

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
})
afterEach(() => {
  vi.useRealTimers()
})

test('system clock: a timer of 60 days fires after 60 days, and not at once', () => {
  let fired = 0
  systemClock.schedule(60 * DAY_MS, () => (fired += 1))
  vi.advanceTimersByTime(60 * DAY_MS - 1)
  expect(fired).toBe(0)
  vi.advanceTimersByTime(1)
  expect(fired).toBe(1)
  expect(vi.getTimerCount()).toBe(0)
})

test('system clock: a timer that is cancelled after some hops never fires', () => {
  let fired = 0
  const timer = systemClock.schedule(DAY_MS, () => (fired += 1))
  vi.advanceTimersByTime(DAY_MS / 2)
  timer.cancel()
  vi.advanceTimersByTime(DAY_MS)
  expect(fired).toBe(0)
  expect(vi.getTimerCount()).toBe(0)
})

test('system clock: a sleep ends early by its signal, and leaves no timer', async () => {
  const controller = new AbortController()
  const { signal } = controller
  const slept = systemClock.sleep(60 * DAY_MS, signal)
  controller.abort()
  await slept
  expect(vi.getTimerCount()).toBe(0)
  const through = systemClock.sleep(10, new AbortController().signal)
  vi.advanceTimersByTime(10)
  await through
  await systemClock.sleep(10, signal)
  expect(vi.getTimerCount()).toBe(0)
})
