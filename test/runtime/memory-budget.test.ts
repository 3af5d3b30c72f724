import { expect, test } from 'vitest'
import { MemoryBudget } from '../../lib/runtime/state/memory-budget.ts'

const settings = { cacheBytesMax: 1000, readCacheBytesMax: 600 }

test('memory budget: shares are even, and follow the stores that come and go', () => {
  const budget = new MemoryBudget(settings)
  const first = budget.join({ caching: true })
  expect(first).toMatchObject({ cacheBytesMax: 1000, readCacheBytesMax: 600 })

  const second = budget.join({ caching: true })
  const plain = budget.join({ caching: false })
  expect(first).toMatchObject({ cacheBytesMax: 500, readCacheBytesMax: 200 })
  expect(second).toMatchObject({ cacheBytesMax: 500, readCacheBytesMax: 200 })
  expect(plain).toMatchObject({ cacheBytesMax: 0, readCacheBytesMax: 200 })

  budget.leave(second)
  budget.leave(plain)
  expect(first).toMatchObject({ cacheBytesMax: 1000, readCacheBytesMax: 600 })
})

test('memory budget: a small budget over many stores leaves caching on, and 0 leaves it off', () => {
  const many = new MemoryBudget({ cacheBytesMax: 2, readCacheBytesMax: 0 })
  const shares = Array.from({ length: 5 }, () => many.join({ caching: true }))
  expect(shares.map(({ cacheBytesMax }) => cacheBytesMax)).toEqual([1, 1, 1, 1, 1])
  expect(new MemoryBudget({ ...settings, cacheBytesMax: 0 }).join({ caching: true }).cacheBytesMax).toBe(0)
})
