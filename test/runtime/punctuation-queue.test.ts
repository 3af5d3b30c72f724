import { describe, expect, it } from 'vitest'
import { PunctuationQueue } from '../../lib/runtime/task/punctuation-queue.ts'

function ticks(queue: PunctuationQueue, nowMs: number): [string, number][] {
  const seen: [string, number][] = []
  queue.maybePunctuate(nowMs, (node, _, timeMs) => seen.push([node, timeMs]))
  return seen
}

const nothing = () => undefined

describe('punctuation queue', () => {
  it('fires once for an advance, however many intervals it skips', () => {
    const queue = new PunctuationQueue('stream-time')
    queue.schedule('a', { firstMs: 0, intervalMs: 10 }, nothing)
    expect(ticks(queue, 5)).toEqual([['a', 5]])
    expect(ticks(queue, 9)).toEqual([])
    expect(ticks(queue, 57)).toEqual([['a', 57]])
    expect(queue.nextMs).toBe(60)
  })

  it('fires the earlier tick first, and equal ones in the order of scheduling', () => {
    const queue = new PunctuationQueue('wall-clock-time')
    queue.schedule('late', { firstMs: 30, intervalMs: 100 }, nothing)
    queue.schedule('early', { firstMs: 20, intervalMs: 100 }, nothing)
    queue.schedule('early too', { firstMs: 20, intervalMs: 100 }, nothing)
    expect(ticks(queue, 40).map(([node]) => node)).toEqual(['early', 'early too', 'late'])
  })

  it('does not fire what was cancelled, not even by the tick before it', () => {
    const queue = new PunctuationQueue('stream-time')
    queue.schedule('first', { firstMs: 0, intervalMs: 10 }, nothing)
    const second = queue.schedule('second', { firstMs: 1, intervalMs: 10 }, nothing)
    const seen: string[] = []
    queue.maybePunctuate(5, node => {
      seen.push(node)
      second.cancel()
    })
    expect(seen).toEqual(['first'])
    expect(ticks(queue, 100).map(([node]) => node)).toEqual(['first'])
  })

  it.each([Number.MAX_SAFE_INTEGER, 2 ** 53, 2 ** 62])(
    'neither hangs nor overflows at a record timestamp of %d (CVE-2026-111496)',
    timeMs => {
      const queue = new PunctuationQueue('stream-time')
      queue.schedule('a', { firstMs: 0, intervalMs: 1 }, nothing)
      expect(ticks(queue, timeMs)).toEqual([['a', timeMs]])
      expect(queue.nextMs).toBeGreaterThan(timeMs)
      expect(ticks(queue, timeMs)).toEqual([])
    },
  )
})
