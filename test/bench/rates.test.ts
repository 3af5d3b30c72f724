import { describe, expect, it } from 'vitest'
import { comparableRates, ratesOf } from '../../bench/compare/rates.ts'

const observation = (...commits: readonly (readonly [atMs: number, records: number])[]) => ({
  assignedMs: 1000,
  firstOutputMs: 1500,
  commits: commits.map(([atMs, records]) => ({ atMs, records })),
  endMs: commits.at(-1)![0],
})

describe('ratesOf', () => {
  it('takes the steady rate between the first commit and the last but one', () => {
    const seen = observation([3000, 500], [4000, 2500], [5000, 4500], [5900, 4600])
    const { whole, steady } = ratesOf(seen, { hasStages: false })
    expect(steady).toBe(2000)
    expect(whole).toBeCloseTo((4600 * 1000) / 4900)
  })

  it('has no steady rate for too few commits, nor where work goes on behind the inputs', () => {
    const few = observation([3000, 500], [4000, 2500], [5000, 4500])
    expect(ratesOf(few, { hasStages: false }).steady).toBeUndefined()
    const many = observation([2000, 100], [3000, 500], [4000, 2500], [5000, 4500], [6000, 5000])
    expect(ratesOf(many, { hasStages: true }).steady).toBeUndefined()
    expect(ratesOf(many, { hasStages: true }).whole).toBe(1000)
  })
})

describe('comparableRates', () => {
  it('takes all sides in the same way: steady only where each has it', () => {
    const quick = { whole: 10, steady: undefined }
    const slow = { whole: 5, steady: 7 }
    expect(comparableRates([quick, slow])).toEqual([10, 5])
    expect(comparableRates([{ whole: 10, steady: 12 }, slow])).toEqual([12, 7])
  })
})
