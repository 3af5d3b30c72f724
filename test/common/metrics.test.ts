import { describe, expect, test } from 'vitest'
import { METRIC_GROUPS, Metrics } from '../../lib/common/metrics/metrics.ts'
import { ManualClock } from '../../lib/testing/manual-clock.ts'

const { thread: THREAD, task: TASK } = METRIC_GROUPS
const WINDOW_MS = 1_000

function open() {
  const clock = new ManualClock()
  const metrics = new Metrics({ clock, sampleWindowMs: WINDOW_MS })
  const value = (name: string) => metrics.samples().find(sample => sample.name === name)?.value
  return { clock, metrics, value }
}

describe('metrics', () => {
  test('a rate is over the last one to two samples, and a start is no peak', () => {
    const { clock, metrics, value } = open()
    const polls = metrics.meter('poll', {}, THREAD)
    polls.add(10)
    expect(value('poll-rate')).toBe(10)
    clock.advance(WINDOW_MS)
    metrics.maybeRoll()
    polls.add(20)
    clock.advance(WINDOW_MS / 2)
    expect(value('poll-rate')).toBe(20)
    clock.advance(WINDOW_MS / 2)
    // The first sample is forgotten, and the second one is over.
    expect(value('poll-rate')).toBe(20)
    clock.advance(WINDOW_MS)
    expect(value('poll-rate')).toBe(0)
    expect(value('poll-total')).toBe(30)
  })

  test('of a pause longer than two samples nothing is left', () => {
    const { clock, metrics, value } = open()
    metrics.meter('poll', {}, THREAD).add(10)
    metrics.distribution('poll-records', {}, THREAD).record(5)
    clock.advance(10 * WINDOW_MS)
    expect([value('poll-rate'), value('poll-records-max')]).toEqual([0, NaN])
  })

  test('means and extremes are of two samples, and NaN of nothing', () => {
    const { clock, metrics, value } = open()
    const statistics = ['avg', 'max', 'min'] as const
    const lag = metrics.distribution('lag', {}, TASK, { statistics })
    const seen = () => statistics.map(each => value(`lag-${each}`))
    expect(seen()).toEqual([NaN, NaN, NaN])
    lag.record(1)
    lag.record(9)
    clock.advance(WINDOW_MS)
    metrics.maybeRoll()
    lag.record(2)
    expect(seen()).toEqual([4, 9, 1])
    clock.advance(WINDOW_MS)
    expect(seen()).toEqual([2, 2, 2])
  })

  test('a histogram keeps everything since the start, each value in its bucket', () => {
    const { clock, metrics } = open()
    const latency = metrics.distribution('commit-latency', { id: 'a' }, THREAD, { latency: true })
    const values = [0, 0.1, 0.100_001, 60_000, 60_001, 3, 1e9, 0.05]
    for (const value of values) {
      latency.record(value)
      clock.advance(WINDOW_MS)
      metrics.maybeRoll()
    }
    const [histogram, ...others] = metrics.histograms()
    expect(others).toEqual([])
    const { bounds, counts, sum, count, name, tags } = histogram!
    expect({ name, tags, count }).toEqual({ name: 'commit-latency', tags: { id: 'a' }, count: values.length })
    expect(sum).toBeCloseTo(
      values.reduce((total, value) => total + value, 0),
      3,
    )
    const within = (from: number, to: number) => values.filter(value => value > from && value <= to).length
    expect(counts).toEqual([...bounds, Infinity].map((to, at) => within(bounds[at - 1] ?? -Infinity, to)))
  })

  test('the same name in several groups is counted once, by the widest', () => {
    const { metrics } = open()
    metrics.meter('process', { 'task-id': '0_0' }, TASK).add(3)
    metrics.meter('process', { 'task-id': '0_1' }, TASK).add(4)
    expect(metrics.total('process-total')).toBe(7)
    metrics.meter('process', { 'thread-id': 't' }, THREAD).add(7)
    expect(metrics.total('process-total')).toBe(7)
    expect(metrics.total('nothing')).toBe(0)
  })

  test('what carries a tag is forgotten with it', () => {
    const { metrics } = open()
    metrics.meter('process', { 'task-id': '0_0' }, TASK)
    metrics.gauge('size', { 'task-id': '0_0', store: 's' }, () => 1)
    metrics.counter('mine', { 'task-id': '0_1' })
    metrics.remove({ 'task-id': '0_0' })
    expect(metrics.samples().map(({ name }) => name)).toEqual(['mine'])
  })
})
