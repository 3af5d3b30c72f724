import { describe, expect, it } from 'vitest'
import type { Side } from '../../bench/compare/application.ts'
import type { Case, Figures } from '../../bench/compare/case.ts'
import { Results } from '../../bench/compare/results.ts'
import { renderTable } from '../../bench/compare/table.ts'

const side = (name: Side['name']): Side => ({ name, title: name, command: () => ({ program: '', args: [] }) })
const sides = [side('millrace'), side('jvm')]

const caseOf = (names: Case['names'], guarantee: Case['guarantee']): Case => ({
  names,
  guarantee,
  records: 1000,
  prepare: () => Promise.resolve(),
  round: () => Promise.resolve([]),
})

const rate = (whole: number): Figures => ({ rates: { whole, steady: undefined }, values: [] })

describe('Results', () => {
  it('gives medians, their ratio, and the least and greatest ratio of a round, whichever side went first', () => {
    const results = new Results()
    const count = caseOf(['count'], 'exactly-once')
    results.add(count, sides, [rate(300), rate(100)])
    results.add(count, sides.toReversed(), [rate(100), rate(200)])
    results.add(count, sides, [rate(400), rate(80)])
    expect(results.list()).toEqual([
      {
        name: 'count',
        guarantee: 'exactly-once',
        millrace: 300,
        jvm: 100,
        ratio: 3,
        unit: 'records/s',
        better: 'higher',
        ratios: { min: 2, median: 3, max: 5 },
        rounds: 3,
        records: 1000,
      },
    ])
  })

  it('lists what is measured along with a rate under its own name, and only that if asked', () => {
    const results = new Results()
    const memory = (whole: number, value: number): Figures => ({
      ...rate(whole),
      values: [{ name: 'memory', value }],
    })
    results.add(caseOf(['count', 'memory'], 'at-least-once'), sides, [memory(2, 150), memory(1, 600)])
    expect(results.list().map(({ name }) => name)).toEqual(['count', 'memory'])
    expect(results.list('memory')).toMatchObject([{ ratio: 0.25, better: 'lower', unit: 'MB' }])
  })

  it('keeps percentiles, and a peer where it took part', () => {
    const results = new Results()
    const latency = (value: number, p99: number): Figures => ({
      values: [{ name: 'latency', value, p99 }],
    })
    results.add(caseOf(['latency'], 'exactly-once'), sides, [latency(50, 90), latency(100, 200)])
    results.add(caseOf(['count'], 'exactly-once'), [...sides, side('quix')], [rate(300), rate(100), rate(20)])
    const [count, spread] = results.list()
    expect(count).toMatchObject({ quix: 20 })
    expect(spread).toMatchObject({ p99: { millrace: 90, jvm: 200 }, ratio: 0.5 })
    expect(renderTable([count!, spread!])).toContain('90 / 200')
  })
})

describe('renderTable', () => {
  it('leaves out columns in which there is nothing', () => {
    const results = new Results()
    results.add(caseOf(['restore'], null), sides, [
      { values: [{ name: 'restore', value: 654_321 }] },
      { values: [{ name: 'restore', value: 500_000 }] },
    ])
    const text = renderTable(results.list())
    expect(text).toMatch(/restore +1,000 +1 +654,321 +500,000 +records\/s +1\.31–1\.31–1\.31 +higher/)
    expect(text).not.toMatch(/guarantee|p99|Quix/)
  })
})
