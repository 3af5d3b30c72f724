import { expect, test } from 'vitest'
import { recoveryOf, recoveryText } from './recovery.ts'
import type { Arrival } from './witness.ts'

const partitions = new Set(['out-0', 'out-1'])
const arrival = (atMs: number, partition: number, latestMs = atMs): Arrival => {
  return { atMs, topic: 'out', partition, count: 1, latestMs }
}
const fault = { label: 'fault', atMs: 1000 }

test('a partition is back with the output of an input that is younger than the fault', () => {
  // Partition 0 shows what had been committed before, and only later something new.
  const arrivals = [arrival(900, 0), arrival(1100, 0, 990), arrival(1500, 1), arrival(4000, 0, 3900)]
  const recovery = recoveryOf(fault, partitions, arrivals, 4200)
  expect(recovery).toEqual({ label: 'fault', firstMs: 100, allMs: 3000, gapMs: 2900 })
  expect(recoveryText(recovery)).toBe('fault: first 0.1 s, all 3.0 s, longest gap 2.9 s')
  const healed = { ...recovery, healedMs: 50 }
  expect(recoveryText(healed)).toBe('fault: cluster 0.1 s, first 0.1 s, all 3.0 s, longest gap 2.9 s')
})

test('a partition that stays silent is never back, and its silence lasts', () => {
  const recovery = recoveryOf(fault, partitions, [arrival(1200, 0), arrival(9900, 0)], 10_000)
  expect(recovery).toMatchObject({ firstMs: 200, allMs: undefined, gapMs: 9000 })
})

test('a silence that begins after the first output counts', () => {
  const arrivals = [arrival(1100, 0), arrival(1100, 1), arrival(8000, 0), arrival(8000, 1)]
  expect(recoveryOf(fault, partitions, arrivals, 8000)).toMatchObject({ allMs: 100, gapMs: 6900 })
})
