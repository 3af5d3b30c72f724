import { describe, expect, it } from 'vitest'
import { bendsOf, valuesWithin } from '../../bench/cost/sweep.ts'
import { SWEEPS } from '../../bench/cost/sweeps.ts'

const point = (value: number, recordsPerSecond: number) => ({
  value,
  recordsPerSecond,
  megabytesPerSecond: 1,
  peakRssMb: 1,
  records: 1,
})

describe('a sweep', () => {
  it('takes its steps between the limits, and the limits', () => {
    expect(valuesWithin(SWEEPS.state, { to: 5000, small: false })).toEqual([10, 100, 500, 1000, 5000])
    expect(valuesWithin(SWEEPS.partitions, { from: 4, to: 64, small: false })).toEqual([4, 16, 64])
    expect(valuesWithin(SWEEPS.keys, { small: true })).toEqual([1000, 2000])
  })

  it('bends where a step costs more than a quarter of the rate', () => {
    const points = [point(1, 1000), point(10, 800), point(100, 500), point(1000, 490)]
    expect(bendsOf(points).map(({ value }) => value)).toEqual([100])
  })

  it('fills the state of the task before it measures updates', () => {
    const { keys, filling, records, partitions } = SWEEPS.state.setup(10, 500)
    expect({ filling, partitions, updates: records - keys }).toEqual({
      filling: keys,
      partitions: 1,
      updates: 500,
    })
  })
})
